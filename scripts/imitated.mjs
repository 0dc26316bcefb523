// What the commands share that try a prebuilt addon on a system which this machine imitates.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failsAsKnown } from './known-failures.mjs'
import { runMocha } from './mocha.mjs'
import { prebuilds } from './prebuilds.mjs'
import { root, runStep } from './run.mjs'
import { ensureDependencies, ensureSystemTools } from './setup.mjs'

/**
 * Sees to it that all is there, or ends the process.
 * @param {string} command the npm script, for messages
 * @param {import('./prebuilds.mjs').TargetName} name of the addon; compiled where it is missing
 * @param {import('./system-tools.mjs').Wanted} tools
 */
export function ensureImitated(command, name, tools) {
  ensureDependencies()
  const missing = ensureSystemTools(tools)
  if (missing.length > 0) {
    console.error(`${command}: there is no ${missing.join(', ')}`)
    process.exit(1)
  }
  const addon = prebuilds.find((prebuild) => prebuild.name === name)?.file ?? ''
  if (existsSync(join(root, addon))) return
  runStep(`Compiling ${name}`, 'npm', ['run', '--silent', 'prebuild', '--', name])
}

/**
 * A shell script in Node's place, since tests start more of `process.execPath`.
 * @param {string} file
 * @param {readonly string[]} lines
 */
export function writeLauncher(file, lines) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 })
}

/**
 * The same for a program for arm64, which nothing on this machine starts but qemu-user.
 * @param {string} launcher
 * @param {string} command the program's loader, with what it is to load
 * @returns {{ preload: string, env: NodeJS.ProcessEnv }} what tells the program who it is, to be loaded first, and what else it
 *   needs
 */
export function writeQemuLauncher(launcher, command) {
  writeLauncher(launcher, [`exec qemu-aarch64-static ${command} "$@"`])
  const preload = `${launcher}-path.cjs`
  writeFileSync(preload, `process.execPath = ${JSON.stringify(launcher)}\n`)
  // It runs beside qemu as well as in it, and is installed.
  const esbuild = join(root, 'node_modules/@esbuild/linux-x64/bin/esbuild')
  return { preload, env: { ESBUILD_BINARY_PATH: esbuild } }
}

/** @type {import('./known-failures.mjs').KnownFailure} */
export const unknownToQemu = {
  reason: 'qemu-user does not know BTRFS_IOC_FS_INFO: that two subvolumes are one file system',
  tests: ['sharedBytes on btrfs are seen across the subvolumes'],
}

/**
 * Runs tests with the prebuilt addon, and judges what fails.
 * @param {readonly string[]} args for mocha
 * @param {NodeJS.ProcessEnv} env
 * @param {string} node
 * @param {readonly import('./known-failures.mjs').KnownFailure[]} known
 * @param {{ complete: boolean }} how whether all tests run that are known to fail
 */
export async function runImitated(args, env, node, known, how) {
  const counts = await runMocha(args, { ...env, PREBUILDS_ONLY: '1' }, node)
  if (!failsAsKnown(counts, known, how)) process.exitCode = 1
}

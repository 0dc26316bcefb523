// Bun for musl, under musl's own loader, with Debian's libstdc++: there is none that was made for musl.

import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { writeQemuLauncher } from '../imitated.mjs'
import { installPinned } from '../pinned.mjs'
import { root, runStep } from '../run.mjs'
import { ensureZig, runZig } from '../zig.mjs'

/** @typedef {{ program: string, env: NodeJS.ProcessEnv }} Runtime */

/** @returns {Runtime} for this machine, which starts it by itself */
export function runtimeForX64() {
  const program = bun('musl', 'x64')
  // libstdc++ asks for glibc's loader by this name.
  const dir = libraries('musl', '/usr/lib/x86_64-linux-gnu', 'x86_64', 'ld-linux-x86-64.so.2')
  return { program, env: { LIBC: 'musl', LD_LIBRARY_PATH: dir } }
}

/** @returns {Runtime} for arm64, under qemu-user */
export function runtimeForArm64() {
  const program = bun('musl-arm64', 'aarch64')
  const added = 'glibc-only.so'
  const dir = libraries('musl-arm64', '/usr/aarch64-linux-gnu/lib', 'aarch64', added)
  const out = join(root, 'out/musl-arm64')
  const launcher = join(out, 'bun-under-qemu')
  // By arguments, not by the environment, which what is started for this machine has too.
  const loader = `${muslForArm64(out)} --library-path "${dir}" --preload "${join(dir, added)}"`
  const { preload, env } = writeQemuLauncher(launcher, `${loader} "${program}"`)
  return { program: launcher, env: { ...env, LIBC: 'musl', BUN_OPTIONS: `--preload=${preload}` } }
}

/**
 * @param {string} name
 * @param {string} cpu
 */
function bun(name, cpu) {
  const binary = join(root, 'out', name, `node_modules/@oven/bun-linux-${cpu}-musl/bin/bun`)
  // --force: npm refuses what is for another C library.
  if (!existsSync(binary))
    installPinned(name, `Fetching Bun for musl on ${cpu} (npm ci)`, ['--force'])
  return binary
}

/**
 * A folder with Debian's libstdc++, which runs with musl, since musl does not look at the versions of symbols and has all
 * that it calls but a few functions and variables; these are compiled into a library of their own.
 * @param {string} name
 * @param {string} debian its folder
 * @param {string} cpu
 * @param {string} added name of the library with what is missing
 */
function libraries(name, debian, cpu, added) {
  const dir = join(root, 'out', name, 'lib')
  mkdirSync(dir, { recursive: true })
  for (const library of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    copyFileSync(join(debian, library), join(dir, library))
  }
  ensureZig()
  const what = ['-shared', '-fPIC', '-O2', '-Wall', `-Wl,-soname,${added}`]
  const source = join(root, 'scripts/musl/glibc-only.c')
  runZig(['cc', '-target', `${cpu}-linux-musl`, ...what, '-o', join(dir, added), source])
  return dir
}

/**
 * musl's loader for arm64 out of Debian's package for that architecture, which is not installed: this machine stays one of
 * its own architecture only.
 * @param {string} out
 */
function muslForArm64(out) {
  const loader = join(out, 'root/lib/aarch64-linux-musl/libc.so')
  if (existsSync(loader)) return loader
  const apt = join(out, 'apt')
  for (const dir of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(apt, dir), { recursive: true })
  }
  const settings = [
    `Dir::State::lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    ...['APT::Architecture=arm64', 'APT::Architectures::=arm64'],
  ]
  const get = `apt-get ${settings.map((setting) => `-o '${setting}'`).join(' ')} -qq`
  runStep('Fetching musl for arm64 (apt-get download)', 'sh', [
    '-c',
    `cd '${apt}' && ${get} update && ${get} download musl && dpkg-deb -x musl_*_arm64.deb ../root`,
  ])
  return loader
}

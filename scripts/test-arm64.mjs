// npm run test:arm64: the addon, and merges with it, on Linux on arm64: the prebuilt addon in a Node for that system, under
// qemu-user. File systems are this machine's.
// npm run test:arm64 -- <file>...: other tests.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failsAsKnown } from './known-failures.mjs'
import { runMocha } from './mocha.mjs'
import { otherNode } from './other-node.mjs'
import { root, runStep } from './run.mjs'
import { ensureDependencies, ensureSystemTools } from './setup.mjs'

const major = 20
const chosen = process.argv.slice(2)
const tests = [
  ...['addon', 'binding', 'clone', 'probe', 'merge', 'session'],
  ...['host/*', 'stage/link-modes', 'commit/lock'],
].map((name) => `test/${name}.test.ts`)
/** @type {readonly import('./known-failures.mjs').KnownFailure[]} */
const known = [
  {
    reason: 'qemu-user does not know BTRFS_IOC_FS_INFO: that two subvolumes are one file system',
    test: /sharedBytes on btrfs are seen across the subvolumes/,
  },
]

ensureDependencies()
const missing = ensureSystemTools({ qemu: true, arm64Libraries: true, btrfs: true, xfs: true })
if (missing.length > 0) {
  console.error(`test:arm64: there is no ${missing.join(', ')}`)
  process.exit(1)
}
if (!existsSync(join(root, 'prebuilds/linux-arm64/reflink-merge.glibc.node'))) {
  runStep('Compiling linux-arm64', 'npm', ['run', '--silent', 'prebuild', '--', 'linux-arm64'])
}
const dir = join(root, 'out/nodes')
mkdirSync(dir, { recursive: true })
// Tests start more of process.execPath, and nothing on this machine starts a program for arm64 but qemu.
const node = join(dir, 'arm64-under-qemu')
// By its loader, not by qemu's -L: with that, a program that opens / is given the folder of the libraries.
const libraries = '/usr/aarch64-linux-gnu/lib'
const loader = `${libraries}/ld-linux-aarch64.so.1 --library-path ${libraries}`
const command = `qemu-aarch64-static ${loader} "${otherNode('arm64', major)}"`
writeFileSync(node, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 })
const preload = join(dir, 'exec-path.cjs')
writeFileSync(preload, `process.execPath = ${JSON.stringify(node)}\n`)

const counts = await runMocha(
  chosen.length > 0 ? chosen : tests,
  {
    PREBUILDS_ONLY: '1',
    NODE_OPTIONS: `--require ${preload}`,
    // It runs beside qemu as well as in it, and is installed.
    ESBUILD_BINARY_PATH: join(root, 'node_modules/@esbuild/linux-x64/bin/esbuild'),
  },
  node,
)
if (!failsAsKnown(counts, known, { complete: chosen.length === 0 })) process.exitCode = 1

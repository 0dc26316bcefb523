// npm run test:arm64: the addon, and merges with it, on Linux on arm64: the prebuilt addon in a Node for that system, under
// qemu-user. File systems are this machine's.
// npm run test:arm64 -- <file>...: other tests.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureImitated, runImitated, writeLauncher } from './imitated.mjs'
import { otherNode } from './other-node.mjs'
import { root } from './run.mjs'

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
    tests: ['sharedBytes on btrfs are seen across the subvolumes'],
  },
]

ensureImitated('test:arm64', 'linux-arm64', {
  ...{ qemu: true, arm64Libraries: true, btrfs: true, xfs: true },
})
const dir = join(root, 'out/nodes')
const node = join(dir, 'arm64-under-qemu')
// Nothing on this machine starts a program for arm64 but qemu. By the program's loader, not by qemu's -L: with that, one that
// opens / is given the folder of the libraries.
const libraries = '/usr/aarch64-linux-gnu/lib'
const loader = `${libraries}/ld-linux-aarch64.so.1 --library-path ${libraries}`
const command = `qemu-aarch64-static ${loader} "${otherNode('arm64', major)}"`
writeLauncher(node, [`exec ${command} "$@"`])
const preload = join(dir, 'exec-path.cjs')
writeFileSync(preload, `process.execPath = ${JSON.stringify(node)}\n`)

const env = {
  NODE_OPTIONS: `--require ${preload}`,
  // It runs beside qemu as well as in it, and is installed.
  ESBUILD_BINARY_PATH: join(root, 'node_modules/@esbuild/linux-x64/bin/esbuild'),
}
const complete = chosen.length === 0
await runImitated(complete ? tests : chosen, env, node, known, { complete })

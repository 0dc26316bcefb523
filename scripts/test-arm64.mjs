// npm run test:arm64: the addon, and merges with it, on Linux on arm64: the prebuilt addon in a Node for that system, under
// qemu-user. File systems are this machine's.
// npm run test:arm64 -- <file>...: other tests.

import { join } from 'node:path'
import { ensureImitated, runImitated, unknownToQemu, writeQemuLauncher } from './imitated.mjs'
import { otherNode } from './other-node.mjs'
import { root } from './run.mjs'

const major = 20
const chosen = process.argv.slice(2)
const tests = [
  ...['addon', 'binding', 'clone', 'probe', 'merge', 'session'],
  ...['host/*', 'stage/link-modes', 'commit/lock'],
].map((name) => `test/${name}.test.ts`)

ensureImitated('test:arm64', 'linux-arm64', {
  ...{ qemu: true, arm64Libraries: true, btrfs: true, xfs: true },
})
const node = join(root, 'out/nodes/arm64-under-qemu')
// By the program's loader, not by qemu's -L: with that, one that opens / is given the folder of the libraries.
const libraries = '/usr/aarch64-linux-gnu/lib'
const loader = `${libraries}/ld-linux-aarch64.so.1 --library-path ${libraries}`
const { preload, env } = writeQemuLauncher(node, `${loader} "${otherNode('arm64', major)}"`)

const complete = chosen.length === 0
const options = { ...env, NODE_OPTIONS: `--require ${preload}` }
await runImitated(complete ? tests : chosen, options, node, [unknownToQemu], { complete })

// npm run test:nodes: npm test under each Node that is supported, from npm.
// npm run test:nodes -- --node=22 --node=24: under these.
// npm run test:nodes -- <file, directory or mocha option>...: a part of it.

import { spawnSync } from 'node:child_process'
import { dirname, delimiter } from 'node:path'
import { otherNode } from './other-node.mjs'
import { root } from './run.mjs'

if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
  console.error('test:nodes: npm has the Nodes that it uses for Linux only')
  process.exit(1)
}
const flag = '--node='
const isFlag = (/** @type {string} */ arg) => arg.startsWith(flag)
const args = process.argv.slice(2)
const chosen = args.filter(isFlag).map((arg) => Number(arg.slice(flag.length)))
const rest = args.filter((arg) => !isFlag(arg))

for (const major of chosen.length > 0 ? chosen : [20, 22, 24, 26]) {
  const node = otherNode(process.arch, major)
  console.log(`Node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`)
  const { status } = spawnSync(node, ['scripts/test.mjs', ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) },
  })
  if (status !== 0) process.exitCode = 1
}

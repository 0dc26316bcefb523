// node scripts/with-node-headers.mjs <command> <argument>...: runs what calls node-gyp, without a
// download.

import { spawnSync } from 'node:child_process'
import { withNodeHeaders } from './node-headers.cjs'

const [command = '', ...args] = process.argv.slice(2)
const { status, error } = spawnSync(command, args, {
  stdio: 'inherit',
  env: withNodeHeaders(),
  shell: process.platform === 'win32', // npm's commands are .cmd files there
})
if (error) throw error
process.exitCode = status ?? 1

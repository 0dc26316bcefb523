'use strict'
// The `install` script of the published package: takes the prebuilt addon or compiles one.
// It is node-gyp-build, told where Node's headers are.

const { spawnSync } = require('node:child_process')
const { withNodeHeaders } = require('./node-headers.cjs')

const { status, error } = spawnSync(process.execPath, [require.resolve('node-gyp-build/bin.js')], {
  stdio: 'inherit',
  env: withNodeHeaders(),
})
if (error) throw error
process.exitCode = status ?? 1

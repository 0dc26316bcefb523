'use strict'
// node-gyp downloads Node's headers unless it is told where they are. Most installations of Node
// bring them along, so tell it: then a build needs no network, and no `nodedir` in somebody's
// npm configuration.

const { existsSync } = require('node:fs')
const path = require('node:path')

/**
 * The environment for a process that runs node-gyp, directly or through npm.
 * @returns {NodeJS.ProcessEnv}
 */
function withNodeHeaders() {
  const prefix = path.resolve(process.execPath, '../..')
  const bundled = existsSync(path.join(prefix, 'include/node/node_api.h'))
  return bundled ? { npm_config_nodedir: prefix, ...process.env } : process.env
}

module.exports = { withNodeHeaders }

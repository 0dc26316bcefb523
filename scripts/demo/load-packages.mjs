// node load-packages.mjs <node_modules> <name>...: loads packages as a program beside that node_modules would, in a
// process of its own; fails if one cannot be loaded, or comes from elsewhere.

import { createRequire } from 'node:module'
import { join, sep } from 'node:path'

const [modules = '', ...names] = process.argv.slice(2)
const require = createRequire(join(modules, '..', 'program.js'))
for (const name of names) {
  const path = require.resolve(name)
  if (!path.startsWith(modules + sep)) throw new Error(`${name} was found in ${path}`)
  /** @type {unknown} */
  const exported = require(name)
  if (Object.keys(exported ?? {}).length === 0) throw new Error(`${name} exports nothing`)
}

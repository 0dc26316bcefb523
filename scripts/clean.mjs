// Removes what is built, or of that the named directories; node_modules stays.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const built = ['build', 'coverage', 'dist', 'out', 'prebuilds']
const named = process.argv.slice(2)
for (const dir of built.filter((name) => named.length === 0 || named.includes(name)))
  rmSync(join(root, dir), { recursive: true, force: true })

// npm run figures [-- result.json]: the picture of the README, docs/packages.svg, from figures that
// `npm run bench -- --save docs/packages.json` has measured.

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { picture } from './figures/picture.mjs'
import { root } from './run.mjs'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: join(root, 'docs', 'packages.svg') } },
})
const file = positionals[0] ?? join(root, 'docs', 'packages.json')

/** @type {unknown} */
const result = JSON.parse(readFileSync(resolve(file), 'utf8'))
writeFileSync(values.out, picture(result))
console.log(`${values.out}: drawn from ${file}`)

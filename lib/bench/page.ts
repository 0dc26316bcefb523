import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../package-root'
import type { BenchResult } from './result'

// `npm run build:ts` makes it: script, style and charts inlined. The same path from lib/ and from dist/.
const template = join(packageRoot, 'dist', 'bench', 'page.html')
const slot = '"@result"'

/** One self-contained page with charts of a result. */
export function pageOf(result: BenchResult): string {
  // Text that ends the script element must not come from the result, such as from a path.
  const data = JSON.stringify(result).replaceAll('<', '\\u003c')
  const [before, after] = readFileSync(template, 'utf8').split(slot)
  if (before === undefined || after === undefined) throw new Error(`${template} has no place`)
  return before + data + after
}

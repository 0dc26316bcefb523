import fs from 'node:fs'

/** Adds to a figure that `npm run test:torture` tells at its end, such as `tell('kill points', 61)`. */
export function tell(what: string, count: number): void {
  const file = process.env['REFLINK_MERGE_FIGURES']
  if (file !== undefined) fs.appendFileSync(file, `${JSON.stringify([what, count])}\n`)
}

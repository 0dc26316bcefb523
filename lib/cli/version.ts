import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** This package's version. */
export function version(): string {
  const file = join(__dirname, '..', '..', 'package.json')
  const { version: number } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return number
}

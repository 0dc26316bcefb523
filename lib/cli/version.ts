import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../package-root'

/** This package's version. */
export function version(): string {
  const file = join(packageRoot, 'package.json')
  const { version: number } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return number
}

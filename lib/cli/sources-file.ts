import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Source } from '../index'
import { isJsonObject } from './json'
import { UsageError } from './usage-error'

const known = ['name', 'dir', 'files', 'to', 'digest', 'exact']

/**
 * Sources from a JSON file: an array of what the API takes, with `files` as an object. Relative paths start at the
 * file's own directory; `-` is stdin, where they start at the current one. What is wrong within a source, the API reports.
 */
export function readSourcesFile(file: string): Source[] {
  const where = file === '-' ? 'stdin' : file
  const base = file === '-' ? process.cwd() : dirname(resolve(file))
  const sources = parse(readFileSync(file === '-' ? 0 : file, 'utf8'), where)
  if (!Array.isArray(sources)) {
    throw new UsageError(`${where} must hold an array of sources`)
  }
  return sources.map((source: unknown, index) => {
    return toSource(source, `source ${String(index)} of ${where}`, base)
  })
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new UsageError(`${where} is not JSON: ${(error as SyntaxError).message}`)
  }
}

function toSource(source: unknown, what: string, base: string): Source {
  if (!isJsonObject(source)) throw new UsageError(`${what} must be an object`)
  const unknown = Object.keys(source).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw new UsageError(`${what} has "${unknown}", which is not one of ${known.join(', ')}`)
  }
  const { name, dir, files, to, digest, exact } = source
  for (const [key, value] of Object.entries({ name, dir, to, digest })) {
    if (value !== undefined && typeof value !== 'string') {
      throw new UsageError(`"${key}" of ${what} must be a string`)
    }
  }
  if (name === undefined) throw new UsageError(`${what} must have a name`)
  const read: Record<string, unknown> = { name }
  if (dir !== undefined) read['dir'] = resolve(base, dir as string)
  if (files !== undefined) read['files'] = toFiles(files, what, base)
  if (to !== undefined) read['to'] = to
  if (digest !== undefined) read['digest'] = digest
  if (exact !== undefined) read['exact'] = exact
  return read as unknown as Source
}

function toFiles(files: unknown, what: string, base: string): Map<string, string> {
  if (!isJsonObject(files)) throw new UsageError(`"files" of ${what} must be an object`)
  const entries = Object.entries(files).map(([path, file]): [string, string] => {
    if (typeof file === 'string') return [path, resolve(base, file)]
    throw new UsageError(`"files" of ${what} must have a path for "${path}"`)
  })
  return new Map(entries)
}

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileMapOf } from './subjects/sources-of.mjs'

/** @typedef {import('./corpus/corpus.mjs').StoreSource} StoreSource */
/** @typedef {{ name: string, to: string, files: Record<string, string> }} StoredSource */

/**
 * A store as pnpm and newer installers keep it: each file once, under the hash of its bytes, in 256 directories; executable files
 * under a name of their own, since a file has one mode.
 * @param {readonly StoreSource[]} sources
 * @param {string} dir
 * @returns {StoredSource[]} the same packages as maps from their paths to files of the store
 */
export function makeContentStore(sources, dir) {
  for (let first = 0; first < 256; first++) {
    mkdirSync(join(dir, first.toString(16).padStart(2, '0')), { recursive: true })
  }
  return sources.map(({ name, to, dir: from }) => ({
    name,
    to,
    files: Object.fromEntries([...fileMapOf(from)].map(([path, file]) => [path, put(file, dir)])),
  }))
}

/**
 * @param {string} file
 * @param {string} dir the store
 */
function put(file, dir) {
  const bytes = readFileSync(file)
  const mode = statSync(file).mode & 0o777
  const hash = createHash('sha512').update(bytes).digest('hex')
  const path = join(dir, hash.slice(0, 2), hash.slice(2) + ((mode & 0o111) === 0 ? '' : '-exec'))
  if (!existsSync(path)) writeFileSync(path, bytes, { mode })
  return path
}

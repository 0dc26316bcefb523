import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../json.mjs'

/** @typedef {import('../corpus/corpus.mjs').StoreSource} StoreSource */

/**
 * @param {import('../run-subject.mjs').Job} job
 * @returns {StoreSource[]}
 */
export function sourcesOf(job) {
  return /** @type {StoreSource[]} */ (parseJson(readFileSync(job.sources, 'utf8')))
}

/**
 * @param {import('../run-subject.mjs').Job} job whose list is of a content-addressed store
 * @returns {import('../content-store.mjs').StoredSource[]}
 */
export function storedSourcesOf(job) {
  return /** @type {import('../content-store.mjs').StoredSource[]} */ (
    parseJson(readFileSync(job.sources, 'utf8'))
  )
}

/**
 * @param {string} dir
 * @returns {Map<string, string>} each file below it: its path there → its absolute path
 */
export function fileMapOf(dir) {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true })
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(dir.length + 1), path]),
  )
}

import { readFileSync, writeFileSync } from 'node:fs'
import { parseJson } from './json.mjs'

/**
 * @typedef {object} CorpusResult
 * @property {{ packages: number, files: number, bytes: number }} corpus
 * @property {number} rounds
 * @property {{ kind: import('./options.mjs').Kind, rows: import('./rounds.mjs').Row[] }[]} volumes
 */

/** @typedef {import('./machine.mjs').Circumstances & CorpusResult} Result what `--json` prints and `--save` writes */

/**
 * @param {string} file
 * @param {unknown} result
 */
export function saveResult(file, result) {
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
}

/**
 * @param {string} file
 * @returns {Result}
 * @throws {Error} if it holds something else
 */
export function readResult(file) {
  const result = /** @type {Partial<Result>} */ (parseJson(readFileSync(file, 'utf8')))
  if (!Array.isArray(result.volumes)) throw new Error(`${file} is no result of the corpus`)
  return /** @type {Result} */ (result)
}

import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { countTree } from '../../bench/corpus/corpus.mjs'

// With few and with many dependencies, alone and in scopes that many packages share.
const loaded = [
  '@aws-sdk/client-s3',
  '@babel/core',
  '@typescript-eslint/parser',
  'date-fns',
  'eslint',
  'express',
  'firebase/app',
  'lodash',
  'react-dom/server',
  'rxjs',
  'typescript',
  'webpack',
]

/**
 * Throws unless the merged node_modules has as many files and bytes as its packages have in the store, and Node can load
 * some of them.
 * @param {string} dest
 * @param {import('../../bench/corpus/corpus.mjs').Counts} expected
 * @returns {readonly string[]} the packages that were loaded
 */
export function checkMerged(dest, expected) {
  const { files, bytes } = countTree(dest)
  if (files !== expected.files || bytes !== expected.bytes)
    throw new Error(
      `The merged node_modules has ${String(files)} files with ${String(bytes)} bytes; ` +
        `in the store they are ${String(expected.files)} with ${String(expected.bytes)}`,
    )
  const program = join(import.meta.dirname, 'load-packages.mjs')
  const { status } = spawnSync(process.execPath, [program, realpathSync(dest), ...loaded], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0)
    throw new Error('Some packages could not be loaded from the merged node_modules')
  return loaded
}

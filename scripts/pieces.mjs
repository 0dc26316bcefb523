import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

/**
 * What takes long, the longest first; each is a piece of its own, so that whatever is left over at the end is short.
 * `.ci/run` lists the slowest tests at its end: that is where to look for what belongs here.
 */
const long = [
  'test/recover/kill-loop.test.ts',
  'test/merge.test.ts',
  'test/plan/model.test.ts',
  'test/faults/failures.test.ts',
  'test/package/typescript.test.ts',
  'test/package/registry.test.ts',
  'test/namespace-race.test.ts',
  'test/corpus.test.ts',
  'test/plan/conflicts.test.ts',
  'test/faults/whole-trees.test.ts',
  'test/session-order.test.ts',
  'test/examples/installer.test.ts',
]

/**
 * The rest is dealt into pieces of about so many files: the larger, the less often the library is loaded and volumes are made.
 */
const filesInPiece = 20

/**
 * Every test file below these paths, which are relative to the root.
 * @param {readonly string[]} paths
 */
export function testFiles(paths) {
  return paths
    .flatMap((path) => {
      if (!statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory()) return [path]
      return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => join(path, name).replaceAll('\\', '/'))
    })
    .sort()
}

/**
 * Test files in pieces for two processes that take one after the other.
 * @param {readonly string[]} files
 * @returns {string[][]}
 */
export function inPieces(files) {
  // Of a directory or so one piece for each of the two.
  const alone = files.length < filesInPiece ? [] : long.filter((file) => files.includes(file))
  const rest = files.filter((file) => !alone.includes(file))
  const others = Math.max(2, Math.round(rest.length / filesInPiece))
  const dealt = Array.from({ length: others }, (_, piece) =>
    rest.filter((_file, index) => index % others === piece),
  )
  return [...alone.map((file) => [file]), ...dealt].filter((piece) => piece.length > 0)
}

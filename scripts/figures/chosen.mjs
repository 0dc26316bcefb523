/** @typedef {import('../../bench/rounds.mjs').Row} Row */
/** @typedef {{ name: string, own: boolean, ms: Row['ms'] }} Chosen own: reflink-merge's */

/**
 * What the picture shows of the benchmark, and how it is called there: what people use, each by clone where it can and
 * by copy. Neither the floor nor variants of reflink-merge.
 * @type {readonly (readonly [id: string, name: string])[]}
 */
const subjects = [
  ['merge-clone', 'reflink-merge, clone'],
  ['cp-r-clone', 'cp -r --reflink=always'],
  ['pnpm-clone', "pnpm's importer, clone"],
  ['reflink-clone', '@reflink/reflink'],
  ['copyfile-clone', 'fs.copyFile, clone'],
  ['fs.cp-clone', 'fs.cp, clone'],
  ['merge-copy', 'reflink-merge, copy'],
  ['cp-r-copy', 'cp -r --reflink=never'],
  ['pnpm-copy', "pnpm's importer, copy"],
  ['fs-extra-copy', 'fs-extra copy'],
]

/**
 * Those of the rows that were measured, fastest first.
 * @param {readonly Row[]} rows
 * @returns {Chosen[]}
 */
export function chosen(rows) {
  return subjects
    .flatMap(([id, name]) =>
      rows
        .filter((row) => row.id === id && row.failed === null && row.rounds.length > 0)
        .map(({ ms }) => ({ name, own: id.startsWith('merge-'), ms })),
    )
    .sort((a, b) => a.ms.median - b.ms.median)
}

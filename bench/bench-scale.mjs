import { availableParallelism } from 'node:os'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settle } from '../scripts/demo/measured-merge.mjs'
import { writeList } from './field.mjs'
import { clear, measure } from './measure.mjs'
import { floor } from './programs.mjs'
import { isWide, ratios, summarize } from './statistics.mjs'
import { count, range, table } from './table.mjs'
import { makeVolume } from './volume.mjs'

/** @typedef {import('./measure.mjs').Measured} Measured */
/** @typedef {import('./options.mjs').Options} Options */
/** @typedef {import('./corpus/corpus.mjs').StoreSource} StoreSource */

/**
 * @typedef {object} ScaleRow
 * @property {string} id
 * @property {number} files
 * @property {Measured[]} rounds
 */

/** @typedef {{ kind: string, mode: string, rows: ScaleRow[] }} ScaleResult */

// A million files of this size, twice, and room to breathe.
const gibibytes = 6
const filesInPackage = 500
const filesInDirectory = 50

/**
 * Measures made trees of growing size on one volume.
 * @param {Options} options
 * @returns {Promise<ScaleResult>}
 */
export async function benchScale({ kinds, files: sizes, mode, rounds }) {
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) throw new Error('scale: one file system at a time')
  const volume = await makeVolume(kind, gibibytes)
  const dest = join(volume.path, 'run/dest')
  console.error(`Making ${count(sizes.at(-1) ?? 0)} files on ${kind} …`)
  const sources = makeSources(join(volume.path, 'store'), sizes.at(-1) ?? 0)
  settle(volume.path)

  /** @type {ScaleRow[]} */
  const rows = []
  for (const files of sizes) {
    const some = sources.slice(0, Math.ceil(files / filesInPackage))
    const list = writeList(join(volume.path, `list-${files}`), some)
    const job = { program: 'reflink-merge', mode, sources: list.json, tree: '', dest }
    const threads = String(availableParallelism())
    /** @type {Record<string, import('./subjects.mjs').Run>} */
    const runs = {
      floor: {
        counts: 'process',
        command: { command: floor, args: [mode, threads, dest], stdin: list.manifest },
      },
      'from directories': { counts: 'work', node: process.execPath, job },
      'from file maps': { counts: 'work', node: process.execPath, job: { ...job, as: 'maps' } },
    }
    const of = Object.keys(runs).map((id) => ({
      id,
      files: some.length * filesInPackage,
      rounds: /** @type {Measured[]} */ ([]),
    }))
    for (let round = 0; round < rounds; round++) {
      const start = round % of.length
      for (const row of [...of.slice(start), ...of.slice(0, start)]) {
        const run = /** @type {import('./subjects.mjs').Run} */ (runs[row.id])
        const measured = await measure(dest, run)
        row.rounds.push(measured)
        console.error(
          `${count(files)} files, round ${round + 1} of ${rounds}: ${row.id} ${measured.ms.toFixed(0)} ms`,
        )
      }
    }
    rows.push(...of)
  }
  await clear(dest)
  volume.remove()
  return { kind, mode, rows }
}

/**
 * Packages of 500 small files each, no two alike.
 * @param {string} dir
 * @param {number} files
 * @returns {StoreSource[]}
 */
function makeSources(dir, files) {
  return Array.from({ length: Math.ceil(files / filesInPackage) }, (_, index) => {
    const name = `package-${String(index)}`
    const own = join(dir, name)
    for (let file = 0; file < filesInPackage; file++) {
      const place = join(own, String(Math.floor(file / filesInDirectory)))
      if (file % filesInDirectory === 0) mkdirSync(place, { recursive: true })
      writeFileSync(join(place, `${file}.js`), `${name} ${file}\n`.repeat(1 + (file % 12)))
    }
    return { name, dir: own, to: name }
  })
}

/** @param {ScaleResult & import('./machine.mjs').Circumstances} result */
export function reportScale({ kind, mode, rows, machine, date }) {
  const smallest = Math.min(...rows.map(({ files }) => files))
  const cells = rows.map((row) => {
    const perFile = summarize(row.rounds.map(({ ms }) => (ms * 1000) / row.files))
    const least = rows.find(({ id, files }) => id === row.id && files === smallest)
    const floorRow = rows.find(({ id, files }) => id === 'floor' && files === row.files)
    const beside = (/** @type {ScaleRow | undefined} */ other) =>
      summarize(
        ratios(
          row.rounds.map(({ ms }) => ms / row.files),
          other?.rounds.map(({ ms }) => ms / other.files) ?? [],
        ),
      )
    // What the runtime and the library take before they know of any file is no cost of files.
    const memory = summarize(
      row.rounds.map(({ peak, loaded }) => (peak - (loaded ?? 0)) / row.files),
    )
    return [
      row.id,
      count(row.files),
      `${range(perFile, 1)} µs` + (isWide(perFile) ? ' ~' : ''),
      range(beside(least)),
      range(beside(floorRow)),
      `${memory.median.toFixed(0)} B`,
    ]
  })
  return [
    `Made trees on ${kind}, placed by ${mode}; ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, ${date}`,
    table(
      [
        ...['', 'files', 'time per file', `beside ${count(smallest)}`, 'beside the floor'],
        'peak memory per file',
      ],
      cells,
    ),
    'time: medians, from least to most; of the whole process for the floor. Peak memory: above what was resident before the',
    'list of sources was read; with file maps, the maps are in it.',
    '',
  ].join('\n')
}

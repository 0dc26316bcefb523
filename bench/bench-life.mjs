import { appendFileSync, cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { settle } from '../scripts/demo/measured-merge.mjs'
import { makeStore } from './corpus/corpus.mjs'
import { evenly } from './field.mjs'
import { clear } from './measure.mjs'
import { parseJson } from './json.mjs'
import { ratios, summarize } from './statistics.mjs'
import { commandOf } from './subjects.mjs'
import { count, range, table } from './table.mjs'
import { runTimed } from './timed.mjs'
import { makeVolume } from './volume.mjs'

/** @typedef {import('./corpus/corpus.mjs').StoreSource} StoreSource */
/** @typedef {{ ms: number, cpu: number, peak: number }} Measured */
/** @typedef {{ id: string, against: string, rounds: Measured[] }} LifeRow */
/** @typedef {{ kind: string, files: number, packages: number, manifestBytes: number, rows: LifeRow[] }} LifeVolume */
/** @typedef {{ volumes: LifeVolume[] }} LifeResult */

// Store, two dests and room to breathe.
const gibibytes = 4

/**
 * What is measured, in this order in each round: its name, what it is divided by.
 * @type {readonly (readonly [id: string, against: string])[]}
 */
const subjects = [
  ['merge', 'merge'],
  ['first sync', 'merge'],
  ['rerun', 'first sync'],
  ['verify', 'first sync'],
  ['manifest', 'first sync'],
  ['rerun, digests', 'first sync'],
  ['one package alone', 'one package alone'],
  ['one upgraded', 'one package alone'],
  ['one upgraded, digests', 'one package alone'],
]

/**
 * The life of a dest with a manifest: its first sync, reruns, one package of all upgraded, verify.
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<LifeResult>}
 */
export async function benchLife({ kinds, packages, rounds }) {
  const { ensureCorpus } = await import('./corpus/corpus.mjs')
  const some = evenly(ensureCorpus(), packages)
  /** @type {LifeVolume[]} */
  const volumes = []
  for (const kind of kinds) {
    const volume = await makeVolume(kind, gibibytes)
    console.error(`Preparing ${some.length} packages on ${kind} …`)
    const life = new Life(volume.path, some)
    for (let round = 0; round < rounds; round++) {
      await life.round((id, { ms }) => {
        console.error(`${kind}, round ${round + 1} of ${rounds}: ${id} ${ms.toFixed(0)} ms`)
      })
    }
    const { files, manifestBytes } = life
    const rows = [...life.rows.values()]
    volumes.push({ kind, files, packages: some.length, manifestBytes, rows })
    volume.remove()
  }
  return { volumes }
}

class Life {
  manifestBytes = 0
  files = 0
  /** @type {Map<string, LifeRow>} */
  rows = new Map(subjects.map(([id, against]) => [id, { id, against, rounds: [] }]))

  /**
   * @param {string} volume
   * @param {readonly import('./corpus/corpus.mjs').Package[]} packages
   */
  constructor(volume, packages) {
    this.lists = join(volume, 'lists')
    this.dest = join(volume, 'run/dest')
    this.other = join(volume, 'run/other')
    const { sources, merged } = makeStore(packages, join(volume, 'store'))
    this.files = merged.files
    this.sources = sources
    mkdirSync(this.lists)
    // One of middling size, in whose directory no other package lies.
    const upgraded = sources[middleOf(sources)]
    if (upgraded === undefined) throw new Error('no package')
    this.newer = { ...upgraded, dir: join(volume, 'newer') }
    upgrade(upgraded.dir, this.newer.dir)
    settle(volume)
  }

  /** @param {(id: string, measured: Measured) => void} say */
  async round(say) {
    const { dest, other, sources, newer } = this
    const upgraded = sources.map((each) => (each.name === newer.name ? newer : each))
    const rest = sources.filter(({ name }) => name !== newer.name)
    /**
     * @param {string} id
     * @param {string} as
     * @param {readonly object[]} list
     * @param {string} [into]
     */
    const measured = async (id, as, list, into = dest) => {
      const result = await this.run(as, list, into)
      this.rows.get(id)?.rounds.push(result)
      say(id, result)
    }
    await clear(dirname(dest))
    await measured('merge', 'merge', sources)
    await clear(dest)
    await measured('first sync', 'sync', sources)
    await measured('rerun', 'sync', sources)
    await measured('verify', 'verify', [])
    await measured('manifest', 'manifest', [])
    this.manifestBytes = statSync(join(dest, '.reflink-merge-manifest')).size
    await this.run('merge', rest, other)
    await measured('one package alone', 'merge', [newer], other)
    await measured('one upgraded', 'sync', upgraded)
    await this.run('sync', digested(sources), dest)
    await measured('rerun, digests', 'sync', digested(sources))
    await measured('one upgraded, digests', 'sync', digested(upgraded))
  }

  /**
   * @param {string} as
   * @param {readonly object[]} list
   * @param {string} dest
   * @returns {Promise<Measured>}
   */
  async run(as, list, dest) {
    mkdirSync(dirname(dest), { recursive: true })
    const sources = join(this.lists, 'sources.json')
    writeFileSync(sources, JSON.stringify(list))
    settle(dirname(dest))
    const program = as === 'manifest' ? 'manifest' : 'life'
    const job = { program, mode: /** @type {const} */ ('clone'), sources, tree: '', dest, as }
    const { stdout } = await runTimed(commandOf({ counts: 'work', node: process.execPath, job }))
    const told = /** @type {import('./run-subject.mjs').Told} */ (parseJson(stdout))
    return { ms: told.ms, cpu: told.user + told.system, peak: told.peak }
  }
}

/** @param {readonly StoreSource[]} sources */
function digested(sources) {
  return sources.map((each) => ({ ...each, digest: each.dir }))
}

/** @param {readonly StoreSource[]} sources */
function middleOf(sources) {
  const isAlone = (/** @type {StoreSource} */ { to }) =>
    !sources.some((each) => each.to.startsWith(`${to}/`))
  return sources.findIndex((each, index) => index >= sources.length / 2 && isAlone(each))
}

/**
 * A later version of a package: one file more, one changed.
 * @param {string} dir
 * @param {string} newer
 */
function upgrade(dir, newer) {
  cpSync(dir, newer, { recursive: true, verbatimSymlinks: true })
  writeFileSync(join(newer, 'new-in-this-version.js'), 'export {}\n')
  appendFileSync(join(newer, 'package.json'), '\n')
  rmSync(join(newer, 'README.md'), { force: true })
}

/** @param {LifeResult & import('./machine.mjs').Circumstances} result */
export function reportLife({ volumes, machine, date }) {
  const parts = volumes.map(({ kind, files, packages, manifestBytes, rows }) => {
    const cells = rows.map((row) => {
      const base = rows.find(({ id }) => id === row.against)
      const beside = (/** @type {'ms' | 'cpu'} */ what) =>
        summarize(
          ratios(
            row.rounds.map((each) => each[what]),
            base?.rounds.map((each) => each[what]) ?? [],
          ),
        )
      const summary = (/** @type {keyof Measured} */ what) =>
        summarize(row.rounds.map((each) => each[what]))
      return [
        row.id,
        `${range(summary('ms'), 0)} ms`,
        `${range(summary('cpu'), 0)} ms`,
        `${(summary('peak').median / 1e6).toFixed(0)} MB`,
        row.against === row.id ? '' : row.against,
        row.against === row.id ? '' : range(beside('ms')),
        row.against === row.id ? '' : range(beside('cpu')),
      ]
    })
    return [
      `${kind}: ${count(packages)} packages, ${count(files)} files; manifest ${(manifestBytes / files).toFixed(1)} B a file`,
      table(['', 'time', 'CPU', 'peak memory', 'beside', 'time', 'CPU'], cells),
    ]
  })
  return [
    `With a manifest; ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, ${date}`,
    ...parts.flat(),
    'Medians, from least to most; a process of its own for each. manifest: read, and put together again.',
    '',
  ].join('\n')
}

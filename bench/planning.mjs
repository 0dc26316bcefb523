// npm run bench:planning: what finding conflicts costs beside cloning. 200 packages with 100,000 files on a Btrfs volume. All
// of them share a directory and a file; 50 of them also share directories two by two, with ten files alike in each, and
// ten with other bytes of the same size, so that nothing but reading tells.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settle } from '../scripts/demo/measured-merge.mjs'
import { makePlace } from '../scripts/demo/place.mjs'
import { ensureBuilt, ensureDependencies } from '../scripts/setup.mjs'

const packages = 200
const conflicting = 50
const files = 500
const sharedByTwo = 20
const rounds = 7
// Bytes; most files of npm packages are this small.
const sizes = [120, 300, 700, 1500, 2800, 6000, 16_000]

ensureDependencies()
ensureBuilt()
const { merge, planMerge } = await import('reflink-merge')

const place = makePlace()
const sources = Array.from({ length: packages }, (_, index) => makePackage(index))
settle(place.dir)

const laps = /** @type {Record<'scan' | 'plan' | 'stage' | 'commit' | 'share', number[]>} */ ({
  ...{ scan: [], plan: [], stage: [], commit: [], share: [] },
})
let conflicts = 0
for (let round = 0; round < rounds; round++) {
  const dest = join(place.dir, 'dest')
  const result = await merge(sources, dest, { conflicts: 'last' })
  const { scan, plan, stage, commit } = result.duration
  conflicts = result.conflicts.length
  for (const [phase, ms] of Object.entries({ scan, plan, stage, commit, share: plan / stage })) {
    laps[/** @type {keyof typeof laps} */ (phase)].push(ms)
  }
  rmSync(dest, { recursive: true })
  settle(place.dir)
}
const planned = await planMerge(sources, join(place.dir, 'dest'), { conflicts: 'last' })
const { scan, plan, stage, commit, share } = laps
console.log(
  `${packages} packages, ${packages * files} files (${planned.files} paths), ` +
    `${conflicts} conflicts of ${conflicting} packages, on ${place.what}; medians of ${rounds}:\n` +
    `scan ${ms(scan)}, plan ${ms(plan)}, stage (clone) ${ms(stage)}, commit ${ms(commit)}; ` +
    `plan / stage ${median(share).toFixed(3)} (${Math.min(...share).toFixed(3)} to ${Math.max(...share).toFixed(3)})`,
)

/**
 * A package with files of its own, and files that all packages have.
 * @param {number} index
 */
function makePackage(index) {
  const name = `package-${String(index)}`
  const dir = join(place.dir, 'store', name)
  write(join(dir, 'ns'), 'index.js', 'the same in all ', 3)
  const inPair = index < conflicting ? sharedByTwo : 0
  for (let file = 0; file < inPair; file++) {
    const owner = file % 2 === 0 ? 'both' : String(index % 2)
    write(join(dir, 'ns', String(index >> 1)), `${file}.js`, `${owner} ${file} `, file)
  }
  for (let file = inPair + 1; file < files; file++) {
    write(join(dir, name, String(file % 30)), `${file}.js`, `${name} ${file} `, file)
  }
  return { name, dir }
}

/**
 * @param {string} dir
 * @param {string} name
 * @param {string} text repeated up to the size
 * @param {number} seed
 */
function write(dir, name, text, seed) {
  mkdirSync(dir, { recursive: true })
  const size = sizes[seed % sizes.length] ?? 0
  writeFileSync(join(dir, name), text.repeat(Math.ceil(size / text.length)).slice(0, size))
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

/** @param {readonly number[]} values */
function ms(values) {
  return `${median(values).toFixed(0)} ms`
}

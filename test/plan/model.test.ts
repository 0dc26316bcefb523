import assert from 'node:assert/strict'

import fc from 'fast-check'

import { defaultHost } from '../../lib/host'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { isThorough, runs } from '../support/long'
import { asNobody, giveToNobody } from '../support/nobody'
import type { Case } from './model-case'
import { allNames, casesWithin } from './model-cases'
import type { Bounds } from './model-cases'
import { check, checkIn } from './model-check'
import type { Labs } from './model-check'
import { observe } from './model-lab'
import type { Lab } from './model-lab'

// Each run merges four times.
const RUNS = isThorough ? runs : Math.ceil(runs / 4)
// Each call there goes through FUSE.
const RUNS_ON_EXFAT = Math.ceil(RUNS / 20)

let inMemory: Labs
before('observes the file system of the sources', () => {
  const store = observe(freshDir, allNames)
  inMemory = { store, dest: store, host: defaultHost }
})

async function checkMany(bounds: Bounds, labs: Labs, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(casesWithin(bounds), (given) => check(given, labs))
  await fc.assert(property, { numRuns })
}

const policies = ['error', 'first', 'last', 'exclusive', 'middle', 'any'] as const
const existingPolicies = ['error', 'keep', 'replace'] as const

describe('a merge, compared with a model in memory', function () {
  this.timeout(Math.max(300_000, RUNS * 200))

  it(`of any small trees gives the model's plan, tree, report and conflicts (${String(RUNS)} runs)`, () =>
    checkMany(
      {
        alphabets: ['letters', 'letters', 'case', 'cases', 'sharp s', 'accents', 'kelvin'],
        links: true,
      },
      inMemory,
      RUNS,
    ))

  describeOn(['exfat'], ({ fresh }) => {
    let dest: Lab
    before('observes it', () => {
      dest = observe(fresh, allNames)
    })

    it('takes two names for one', () => {
      assert.ok(dest.sameName('a', 'A'))
    })

    onBothHosts((host) => {
      const labs = (): Labs => ({ store: inMemory.store, dest, host })

      it(`also where names are one entry to dest (${String(RUNS_ON_EXFAT)} runs)`, () =>
        checkMany(
          { alphabets: ['case', 'case', 'cases', 'accents', 'kelvin', 'sharp s'], links: false },
          labs(),
          RUNS_ON_EXFAT,
        ))

      for (const conflicts of policies) {
        it(`of one source with both spellings of a name (${conflicts})`, () =>
          check(
            { sources: [{ tree: { a: 'x 644', A: 'x 644' } }], dest: undefined, conflicts },
            labs(),
          ))

        it(`of two directories that are one entry (${conflicts})`, () => {
          const sources = [
            { tree: { 'a/b': 'x 644' } },
            { tree: { 'A/B': 'x 644', 'A/k': 'x 644' } },
          ]
          return check(
            { sources, dest: { 'a/b': 'y 644' }, conflicts, existing: 'replace' },
            labs(),
          )
        })
      }

      for (const existing of existingPolicies) {
        it(`below a directory that dest spells otherwise (${existing})`, () =>
          check(
            { sources: [{ tree: { 'A/b': 'y 644' } }], dest: { 'a/b': 'x 644' }, existing },
            labs(),
          ))

        it(`of names that are one entry, below a file of dest (${existing})`, () => {
          const tree = { 'a/A/a': 'x 644', 'a/A/A': '755' }
          return check({ sources: [{ tree }], dest: { a: 'x 644' }, existing }, labs())
        })
      }

      it("tells no names apart that nobody gets, whatever the loser lost by ('exclusive')", () =>
        check(
          {
            sources: [
              { tree: { 'c/B': 'x 644', 'c/a': 'x 644', 'c/A': 'y 644' } },
              { tree: { 'c/b': 'x 644' } },
            ],
            dest: undefined,
            conflicts: 'exclusive',
          },
          labs(),
        ))

      it("tells names apart of a package that stays, once who beat it has left ('exclusive')", () =>
        check(
          {
            sources: [
              { tree: { 'k/c': 'x 644', 'k/a': 'x 644', 'k/A': 'y 644' } },
              { tree: { 'k/c': 'y 644', 'k/B': 'x 644' } },
              { tree: { 'k/b': 'x 644' } },
            ],
            dest: undefined,
            conflicts: 'exclusive',
          },
          labs(),
        ))
    })
  })
})

describe('a merge', () => {
  const one = { tree: { a: 'x 644' } }
  const other = { tree: { a: 'y 644' } }

  for (const conflicts of policies) {
    for (const sources of [
      [one, one, other],
      [one, other, one],
      [other, one, one],
    ]) {
      const order = sources.map((source) => (source === one ? 'x' : 'y')).join('')
      it(`of two alike and one that differs is one conflict of all three (${order}, ${conflicts})`, () =>
        check({ sources, dest: undefined, conflicts }, inMemory))
    }

    it(`of a file between two directories takes the kind of the winner (${conflicts})`, () =>
      check(
        {
          sources: [
            { tree: { 'a/b': 'x 644', 'a/c': '700' } },
            { tree: { a: 'x 644', 'b/c': 'y 644' } },
            { tree: { 'a/b': 'y 644', b: '→ c' } },
          ],
          dest: undefined,
          conflicts,
        },
        inMemory,
      ))

    it(`that replaces what dest holds names the one whose entry stands (${conflicts})`, () =>
      check(
        {
          // The last one has other permission bits than the first, which has the same file.
          sources: [one, other, { tree: { a: 'x 600' } }],
          dest: { a: 'z 644' },
          conflicts,
          existing: 'replace',
        },
        inMemory,
      ))
  }

  it("leaves the whole directory to the later of two that conflict in it ('exclusive')", () =>
    check(
      {
        sources: [
          { tree: { 'a/b': 'x 644', 'a/c': 'x 644', 'a/k/a': 'x 644', b: 'x 644' } },
          { tree: { 'a/b': 'x 644', 'a/k/a': 'y 644', 'a/k/b': 'x 644' } },
          { tree: { 'a/c': 'y 644', 'a/k/b': 'y 644' } },
        ],
        dest: undefined,
        conflicts: 'exclusive',
      },
      inMemory,
    ))

  it("may leave a path to nobody ('exclusive')", () =>
    check(
      {
        // The first two lose to the third, one for each file, so nobody is left for `k`.
        sources: [
          { tree: { 'a/b': 'x 644', 'a/k': 'x 644' } },
          { tree: { 'a/c': 'x 644', 'a/k': 'y 644' } },
          { tree: { 'a/b': 'y 644', 'a/c': 'y 644' } },
        ],
        dest: undefined,
        conflicts: 'exclusive',
      },
      inMemory,
    ))

  it('that replaces a file by a directory plans to replace it', () =>
    check(
      {
        sources: [{ tree: {}, to: 'c/a/b' }],
        dest: { 'c/a': 'x 644' },
        existing: 'replace',
      },
      inMemory,
    ))

  for (const existing of existingPolicies) {
    it(`names all sources of the same file that differs from dest's (${existing})`, () =>
      check({ sources: [one, one], dest: { a: 'y 644' }, existing }, inMemory))

    it(`names all sources of a file where dest has a directory (${existing})`, () =>
      check({ sources: [one, one], dest: { 'a/b': 'x 644' }, existing }, inMemory))

    it(`never goes through a symlink of dest (${existing})`, () => {
      const sources = [{ tree: { 'a/b': 'x 644' } }]
      return check({ sources, dest: { a: '→ ../beside' }, existing }, inMemory)
    })
  }

  it('gives the place of a package the mode of the package', () =>
    check(
      {
        sources: [{ tree: {}, to: 'b', mode: '700' }, { tree: { b: '755' } }],
        dest: undefined,
      },
      inMemory,
    ))

  it('as an ordinary user fills and moves directories that their owner may not write to', async () => {
    const scene = { store: freshDir(), place: freshDir() }
    const given: Case = {
      sources: [
        { tree: { a: '555', 'a/b': '555', 'a/b/c': 'x 644' }, to: 'c', mode: '555' },
        { tree: { 'c/a/b/a': 'x 644', b: '555', 'b/c': 'y 444' } },
      ],
      dest: { b: 'x 644' },
      existing: 'replace',
    }
    if (process.getuid?.() !== 0) return checkIn(scene, given, inMemory)
    for (const dir of Object.values(scene)) giveToNobody(dir)
    await asNobody(() => checkIn(scene, given, inMemory))
  })
})

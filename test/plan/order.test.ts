import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { Conflict, MergeOptions, Source } from '../../lib/index'
import { mergeOn, planOn } from '../../lib/merge'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { sampled } from '../support/long'
import { randomFrom } from '../support/random'
import { scriptedHost } from '../support/scripted-host'
import { digest } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeNode } from '../support/tree'

const PACKAGES = 5
const CONCURRENCY = [1, 2, 8, 64]

// Enough directories, files and pairs to compare that each phase makes several calls at once.
const DIRECTORIES = 100
const FILES = 3

/**
 * Packages with files of their own, the same files, other files for one path, a file for another's directory, and
 * links: something in every directory for every rule.
 */
function packages(dir: string): Source[] {
  return Array.from({ length: PACKAGES }, (_, index) => {
    const name = `package-${String(index)}`
    const spec: Record<string, TreeNode> = {}
    for (let d = 0; d < DIRECTORIES; d++) {
      const folder = `ns/${String(d % 10)}/${String(d)}`
      for (let f = 0; f < FILES; f++) spec[`${folder}/same-${String(f)}`] = 'the same in all'
      spec[`${folder}/own-${name}`] = name
      if (d % 4 === 0) spec[`${folder}/other`] = `${String(index)} of ${String(PACKAGES)}`
      if (d % 4 === 1) spec[`${folder}/mode`] = { data: 'x', mode: index % 2 === 0 ? 0o644 : 0o755 }
      if (d % 4 === 2) spec[index % 2 === 0 ? `${folder}/kind` : `${folder}/kind/${name}`] = name
      if (d % 4 === 3) spec[`${folder}/link`] = { symlink: `own-package-${String(index % 3)}` }
    }
    return { name, dir: writeTree(path.join(dir, name), spec) }
  })
}

/** Some of what the packages want is there: the same, something else, and a file for a directory. */
function prepare(dest: string): void {
  const spec: Record<string, TreeNode> = { 'ns/9': 'a file where a directory is wanted' }
  for (let d = 0; d < DIRECTORIES; d += 3) {
    if (d % 10 === 9) continue
    const folder = `ns/${String(d % 10)}/${String(d)}`
    spec[`${folder}/same-0`] = 'the same in all'
    spec[`${folder}/same-1`] = 'not of all'
    spec[`${folder}/mine`] = 'mine'
  }
  writeTree(dest, spec)
}

/** Answers late, now and then, at the seed's will. */
function dawdling(host: Host, seed: number): Host {
  const random = randomFrom(seed)
  return scriptedHost(host, async () => {
    if (random.below(50) === 0) await sleep(random.below(3))
    return undefined
  })
}

interface Variation {
  readonly concurrency: number
  /** Of delays; undefined: none. */
  readonly seed: number | undefined
}

/** Every concurrency, as it is and with delays of several seeds. */
const variations = CONCURRENCY.flatMap((concurrency) =>
  [undefined, 1, 2].map((seed): Variation => ({ concurrency, seed })),
)

let turns = 0

/** The outcome of the first is that of all. */
async function assertAlike(
  outcomeOf: (host: Host, concurrency: number) => Promise<unknown>,
): Promise<void> {
  let expected: unknown
  for (const { concurrency, seed } of sampled(variations, 5, turns++)) {
    const host = seed === undefined ? defaultHost : dawdling(defaultHost, seed)
    const outcome = await outcomeOf(host, concurrency)
    expected ??= outcome
    assert.deepEqual(outcome, expected, JSON.stringify({ concurrency, seed }))
  }
}

describe('whatever the concurrency and the timing', function () {
  let dir: string
  let sources: Source[]
  let dest: string

  before(() => {
    dir = freshDir()
    sources = packages(path.join(dir, 'store'))
    dest = path.join(dir, 'dest')
  })
  beforeEach(() => {
    fs.rmSync(dest, { recursive: true, force: true })
  })

  const options: Record<string, MergeOptions> = {
    "with 'first' and 'replace'": { conflicts: 'first', existing: 'replace' },
    "with 'last' and 'keep'": { conflicts: 'last', existing: 'keep' },
    "with 'exclusive' and 'replace'": { conflicts: 'exclusive', existing: 'replace' },
  }
  for (const [policies, given] of Object.entries(options))
    for (const state of ['absent', 'there'])
      it(`a merge ${policies} into a dest that is ${state} gives one tree and one report`, () =>
        assertAlike(async (host, concurrency) => {
          fs.rmSync(dest, { recursive: true, force: true })
          if (state === 'there') prepare(dest)
          const result = await mergeOn(host, sources, dest, { ...given, concurrency })
          assert.ok(result.conflicts.length >= DIRECTORIES)
          return { ...result, duration: undefined, tree: digest(dest) }
        }))

  it('a plan lists the same entries', () =>
    assertAlike(async (host, concurrency) => {
      if (!fs.existsSync(dest)) prepare(dest)
      const plan = await planOn(host, sources, dest, { conflicts: 'first', concurrency })
      return { ...plan, entries: [...plan.entries()] }
    }))

  it('conflicts that nobody decides are the same ones, in the same message', () =>
    assertAlike(async (host, concurrency) => {
      const { message, conflicts } = await failureOf(mergeOn(host, sources, dest, { concurrency }))
      assert.equal(conflicts?.length, DIRECTORIES)
      return { message, conflicts }
    }))

  it('the caller is asked to decide the same conflicts in the same order', () =>
    assertAlike(async (host, concurrency) => {
      const asked: string[] = []
      const conflicts = ({ path: at, sources: names }: Conflict): string => {
        asked.push(at)
        return names[asked.length % names.length] ?? ''
      }
      const plan = await planOn(host, sources, dest, { conflicts, concurrency })
      assert.equal(asked.length, DIRECTORIES)
      return { asked, entries: [...plan.entries()] }
    }))

  it('the problems of sources are told in the same order', () =>
    assertAlike(async (host, concurrency) => {
      const bad = Array.from({ length: PACKAGES }, (_, index): Source => {
        const spec: Record<string, TreeNode> = {}
        for (let d = 0; d < DIRECTORIES; d++) {
          spec[`${String(d)}/bad\\name`] = ''
          spec[`${String(d)}/outside`] = { symlink: '/etc' }
        }
        const at = path.join(dir, 'bad', String(index))
        if (!fs.existsSync(at)) writeTree(at, spec)
        return { name: String(index), dir: at }
      })
      const missing = { name: 'missing', dir: path.join(dir, 'missing') }
      const error = await failureOf(mergeOn(host, [...bad, missing], dest, { concurrency }))
      assert.equal(error.paths?.length, PACKAGES * DIRECTORIES)
      assert.equal(error.errors?.length, 3)
      return error.errors.map(({ message, paths }) => ({ message, paths }))
    }))
})

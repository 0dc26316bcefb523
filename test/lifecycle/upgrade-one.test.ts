import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import type { MergeOptions, Source } from '../../lib/index'
import { decode } from '../../lib/manifest'
import { withDate } from '../support/clock'
import { freshDir } from '../support/fresh'
import { randomFrom, type Random } from '../support/random'
import { rounds, tellFigures } from '../support/long'
import { snapshot } from '../support/snapshot'
import type { TreeSpec } from '../support/tree'
import { Scene } from './scene'

// What was made before is older than a tick of any clock by then.
const later = Date.now() + 3_600_000
const manifestName = '.reflink-merge-manifest'

/** All but stat records. */
function shapeOf(dest: string): unknown {
  const manifest = decode(fs.readFileSync(path.join(dest, manifestName)))
  const { sources, directories, names, rows } = manifest
  return {
    sources: sources.map(({ name, to, lost }) => ({ name, to, lost })),
    directories: directories.map((each) => ({ ...each, records: undefined })),
    names,
    columns: [rows.kinds, rows.modes, rows.sizes, rows.owners, rows.found].map((each) => [...each]),
    maps: [rows.targets, rows.shared, rows.hashes].map((each) => [...each].sort(byRow)),
  }
}

function byRow([a]: readonly [number, unknown], [b]: readonly [number, unknown]): number {
  return a - b
}

/** What a merge says, or what it fails with. */
async function outcomeOf(merge: Promise<unknown>): Promise<unknown> {
  try {
    return { ...((await merge) as object), duration: undefined }
  } catch (error) {
    const { code, conflicts } = error as { code?: string; conflicts?: unknown }
    if (code === undefined) throw error
    return { code, conflicts }
  }
}

const places = ['', 'ns', 'ns/deep', 'own'] as const
const names = ['x', 'X', 'd', 'd/y', 'd/z', 'e/f/g', 'link', 'ns', 'own/a'] as const

function randomTree(random: Random): TreeSpec {
  const tree: Record<string, TreeSpec[string]> = {}
  for (let count = 1 + random.below(4); count > 0; count--) {
    const name = random.pick(names)
    const isBlocked = Object.keys(tree).some(
      (each) => each.startsWith(`${name}/`) || name.startsWith(`${each}/`),
    )
    if (isBlocked) continue
    const data = random.pick(['same', 'same', 'other'])
    tree[name] = name === 'link' ? { symlink: `to-${data}` } : data
  }
  return tree
}

describe('a sync of sources of which most have not changed', () => {
  it('says and does what it does where all are planned (random upgrades)', async function () {
    this.timeout(600_000)
    let [narrow, failed] = [0, 0]
    for (let seed = 0; seed < rounds(12, 2000); seed++) {
      const random = randomFrom(seed)
      const base = freshDir()
      const host = countingHost()
      const [one, all] = ['one', 'all'].map((name) => {
        fs.mkdirSync(path.join(base, name))
        return new Scene(path.join(base, name), name === 'one' ? host : defaultHost)
      }) as [Scene, Scene]
      const hasDigests = random.below(2) === 0
      let version = 0
      const newer = (name: string): Source => ({
        ...one.version(name, randomTree(random)),
        to: random.below(2) === 0 ? `${name}s` : random.pick(places),
        ...(hasDigests && { digest: String(version++) }),
      })
      let sources = Array.from({ length: 3 + random.below(5) }, (_, n) => newer(`p${String(n)}`))
      const options: MergeOptions = {
        linkModes: 'copy',
        conflicts: random.pick(['first', 'last', 'last', 'error', 'exclusive']),
        modified: random.pick(['error', 'keep', 'replace']),
        existing: random.pick(['error', 'keep', 'replace']),
        prune: random.below(4) > 0,
      }
      for (let step = 0; step < 6; step++) {
        host.scanned = 0
        const [some, whole] = await withDate(later, async () => [
          await outcomeOf(one.sync(sources, options)),
          // Nobody knows what a filter leaves out, so nothing is known of the source.
          await outcomeOf(
            all.sync(
              sources.map((each) => ({ ...each, digest: undefined, filter: () => true })),
              options,
            ),
          ),
        ])
        const what = `seed ${String(seed)}, step ${String(step)}`
        assert.deepEqual(some, whole, what)
        const trees = [one, all].map(({ dest }) => (fs.existsSync(dest) ? snapshot(dest) : []))
        const [a, b] = trees.map((each) => each.filter((entry) => entry.path !== manifestName))
        assert.deepEqual(a, b, what)
        if (step > 0 && host.scanned > 0 && host.scanned < sources.length) narrow++
        if ((some as { code?: string }).code !== undefined) failed++
        else assert.deepEqual(shapeOf(one.dest), shapeOf(all.dest), what)
        sources = changed(random, sources, newer)
        if (random.below(4) === 0) tamper(random, [one.dest, all.dest], a ?? [])
      }
    }
    assert.ok(narrow > 5, `only ${String(narrow)} of them left something out`)
    tellFigures({ 'with sources left out': narrow, refused: failed })
  })
})

/** A host that counts the sources that it reads. */
function countingHost(): Host & { scanned: number } {
  const host = defaultHost
  const { scanTrees } = host
  const counting: Host & { scanned: number } = {
    ...host,
    scanned: 0,
    // Without it sources are listed, directory by directory.
    ...(scanTrees && {
      scanTrees: (places, sized) => {
        counting.scanned += places.length
        return scanTrees(places, sized)
      },
    }),
    list: (places) => {
      counting.scanned += places.filter((each) => each.path === '' && each.base !== '').length
      return host.list(places)
    },
  }
  return counting
}

/** One source has another version, comes or goes, or they have another order. */
function changed(
  random: Random,
  sources: readonly Source[],
  newer: (name: string) => Source,
): Source[] {
  const index = random.below(sources.length)
  const how = random.below(8)
  if (how === 0 && sources.length > 2) return sources.filter((_, at) => at !== index)
  if (how === 1) return [...sources, newer(`q${String(random.below(1000))}`)]
  if (how === 2) return [...sources.slice(index), ...sources.slice(0, index)]
  return sources.map((each, at) => (at === index ? newer(each.name) : each))
}

/** Somebody changes the same in both. */
function tamper(
  random: Random,
  dests: readonly string[],
  entries: readonly { readonly path: string; readonly type: string }[],
): void {
  const files = entries.filter(({ type }) => type === 'file')
  const at = files[random.below(Math.max(files.length, 1))]?.path
  if (at === undefined) return
  const how = random.below(3)
  for (const dest of dests) {
    const file = path.join(dest, at)
    if (how === 0) fs.rmSync(file)
    else if (how === 1) fs.writeFileSync(file, 'by hand')
    else fs.chmodSync(file, 0o600)
  }
}

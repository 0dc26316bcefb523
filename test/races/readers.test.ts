import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { merge } from '../../lib/index'
import type { LinkMode, Source } from '../../lib/index'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { rounds, tellFigures } from '../support/long'
import { randomFrom } from '../support/random'
import {
  startReaders,
  type ReaderOrder,
  type Readers,
  type ReaderReport,
  type Whole,
} from '../support/readers'
import { snapshot } from '../support/snapshot'
import { writeTree, type TreeNode, type TreeSpec } from '../support/tree'

const READERS = 4
const merges = rounds(30, 2000)
const replacing = ['shared/deep/a.js', 'shared/deep/b.bin', 'shared/c.js', 'top.js']
const adding = ['shared/deep/added.js', 'shared/added/one.js', 'shared/added/two.bin', 'added.js']
const fresh = ['pkg/index.js', 'pkg/lib/deep/one.bin', 'pkg/lib/two.js']

/** Two versions of everything, each file of another size and mode in each of them. */
function versionOf(version: number, names: readonly string[]): TreeSpec {
  const random = randomFrom(1000 * version)
  const node = (): TreeNode => ({
    data: random.bytes(200 + random.below(1 << (6 + random.below(11)))),
    mode: version % 2 === 0 ? 0o644 : 0o755,
  })
  return Object.fromEntries(names.map((name) => [name, node()]))
}

class Scene {
  readonly dest: string
  private readonly trash: string
  private readonly store: string
  private readonly versions: Source[][]

  constructor(readonly base: string) {
    this.dest = path.join(base, 'dest')
    this.trash = path.join(base, 'trash')
    this.store = path.join(base, 'store')
    fs.mkdirSync(this.trash)
    this.versions = [0, 1].map((version) =>
      Object.entries({ replacing, adding, fresh }).map(([name, names]) => {
        const dir = path.join(this.store, String(version), name)
        return { name, dir: writeTree(dir, versionOf(version, names)) }
      }),
    )
  }

  sourcesOf(version: number): Source[] {
    return this.versions[version % this.versions.length] ?? []
  }

  /** All whole entries that readers may see. */
  order(): ReaderOrder {
    const files: Record<string, Whole> = {}
    const directories: Record<string, string[]> = { '': [] }
    for (const { dir = '' } of this.versions.flat())
      for (const { path: name, type, mode = '', size = 0, sha256 = '' } of snapshot(dir)) {
        const parent = path.posix.dirname(name)
        ;(directories[parent === '.' ? '' : parent] ??= []).push(path.posix.basename(name))
        if (type !== 'file') continue
        const file = (files[name] ??= {
          ...{ whole: [], least: size, always: replacing.includes(name) },
        })
        file.least = Math.min(file.least, size)
        file.whole.push(`${mode} ${String(size)} ${sha256}`)
      }
    const stop = path.join(this.base, 'stop')
    return { dest: this.dest, files, directories, hidden: '.reflink-merge-', stop }
  }

  read(): Promise<Readers> {
    return startReaders(READERS, this.order())
  }

  /** What a simple program would do instead of a merge. */
  cloneInPlace(round: number): void {
    for (const { dir = '' } of this.sourcesOf(round))
      for (const { path: name, type } of snapshot(dir, { contents: false })) {
        if (type !== 'file') continue
        const final = path.join(this.dest, name)
        fs.unlinkSync(final)
        fs.copyFileSync(path.join(dir, name), final, fs.constants.COPYFILE_FICLONE_FORCE)
      }
  }

  /** Takes away what the next merge is to make anew: out of dest by one rename, as an uninstaller might. */
  makeRoom(round: number): void {
    for (const name of ['pkg', 'added.js', 'shared/added', 'shared/deep/added.js']) {
      const away = path.join(this.trash, `${String(round)}-${path.basename(name)}-${name.length}`)
      const from = path.join(this.dest, name)
      if (fs.existsSync(from)) fs.renameSync(from, away)
    }
    fs.rmSync(this.trash, { recursive: true })
    fs.mkdirSync(this.trash)
  }
}

const sumOf = (
  reports: readonly ReaderReport[],
  key: 'opens' | 'missing' | 'listings' | 'short',
): number => reports.reduce((sum, report) => sum + report[key], 0)

async function readDuringMerges(volume: DescribedVolume, linkModes: LinkMode[]): Promise<void> {
  const scene = new Scene(volume.fresh())
  await merge(scene.sourcesOf(0), scene.dest)
  const readers = await scene.read()
  const done = { created: 0, replaced: 0 }
  for (let round = 1; round <= merges; round++) {
    scene.makeRoom(round)
    const sources = scene.sourcesOf(round)
    const result = await merge(sources, scene.dest, { existing: 'replace', linkModes })
    done.created += result.created
    done.replaced += result.replaced
  }
  const reports = await readers.end()
  assert.deepEqual(
    reports.flatMap(({ faults }) => faults),
    [],
  )
  // Every merge replaced what stood there, and made a new tree and new names in old directories.
  assert.equal(done.replaced, merges * replacing.length)
  assert.equal(done.created, merges * (adding.length + fresh.length))
  for (const { opens } of reports) assert.ok(opens > merges, `only ${String(opens)} opens`)
  tellFigures({
    ...{ merges, opens: sumOf(reports, 'opens') },
    'by each reader': reports.map(({ opens }) => opens).join(' + '),
    ...{ 'looks at nothing': sumOf(reports, 'missing'), listings: sumOf(reports, 'listings') },
  })
}

describe('processes that open, fstat and hash in a loop', function () {
  this.timeout(3_600_000)

  describeOn(['btrfs', 'xfs'], (volume) => {
    it('see whole files only while merges create, replace and add by clone', () =>
      readDuringMerges(volume, ['clone']))
  })

  describeOn(['ext4'], (volume) => {
    it('see whole files only while merges create, replace and add by copy', () =>
      readDuringMerges(volume, ['copy']))
  })

  describeOn(['btrfs', 'xfs'], (volume) => {
    it('see short files where each file is cloned into its final name: what they look for is found', async () => {
      let short = 0
      for (let attempt = 0; short === 0 && attempt < 60; attempt++) {
        const scene = new Scene(volume.fresh())
        await merge(scene.sourcesOf(0), scene.dest)
        const readers = await scene.read()
        const end = Date.now() + 1000
        for (let round = 1; Date.now() < end; round++) {
          await sleep(0)
          scene.cloneInPlace(round)
        }
        const reports = await readers.end()
        short = sumOf(reports, 'short')
        tellFigures({ opens: sumOf(reports, 'opens'), short })
      }
      assert.ok(short > 0, 'no file was seen before it was whole')
    })
  })
})

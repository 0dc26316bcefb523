import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { merge, recover } from '../../lib/index'
import type { MergeOptions, Source } from '../../lib/index'
import { describeOn } from '../support/describe-on'
import { failpoints } from '../support/failpoints'
import { failureOf, type Failure } from '../support/failure'
import { makeScene, scenes } from '../support/fault-scenes'
import { tell } from '../support/figures'
import { asNobody, giveToNobody } from '../support/nobody'
import { stagingBelow } from '../support/kill-check'
import { itWith } from '../support/needs'
import { stored } from '../support/session'
import { assertTree, digest, differences, snapshot } from '../support/snapshot'
import { runTool } from '../support/tool'
import { writeTree, type TreeSpec } from '../support/tree'
import { orSkip } from '../support/unrunnable'
import {
  makeVolume,
  MiB,
  type Volume,
  type VolumeKind,
  type VolumeOptions,
} from '../support/volumes'

/** Declares a volume of its own for the tests of a block. */
function withVolume(kind: VolumeKind, options: VolumeOptions): () => Volume {
  let volume: Volume | undefined
  before(`mounts a small ${kind}`, async function () {
    volume = await orSkip(this, makeVolume(kind, options))
  })
  after('removes it', () => volume?.remove())
  return () => {
    assert.ok(volume, 'the volume is there in tests only')
    return volume
  }
}

const MiBs = (count: number): Buffer => Buffer.alloc(count * MiB, 'x')

/** More than there is room for, though not at once. */
const large: TreeSpec = {
  'shared/replaced': 'new',
  ...Object.fromEntries(
    Array.from({ length: 24 }, (_, index) => [`large/${String(index)}`, MiBs(1)]),
  ),
}
const held: TreeSpec = { 'shared/replaced': 'old', 'shared/own': 'own' }

/** Rejects with this errno, of a call that writes, about a file of the package; all else is as before. */
async function assertNoRoom(base: string, dest: string, dir: string, code: string): Promise<void> {
  const before = snapshot(base)
  const options: MergeOptions = { linkModes: 'copy', existing: 'replace' }
  const error = await failureOf(merge([{ name: 'large', dir }], dest, options))
  assert.deepEqual([error.code, error.errno], [code, -errno[code as keyof typeof errno]])
  assert.match(String(error.syscall), /^(write|open|copy_file_range|mkdir)$/)
  assert.equal(error.source, 'large')
  assert.match(String(error.path), /\/store\/large/)
  assert.match(String(error.dest), new RegExp(`^${dest}/`))
  assert.equal(error.errors, undefined)
  assert.deepEqual(differences(snapshot(base), before), [])
}

/** Leaves less than the package takes: fills the disk up, and takes 12 MiB back. */
async function fill(dir: string): Promise<void> {
  const fillers: string[] = []
  const isFull = (): boolean => {
    try {
      const file = path.join(dir, `filler-${String(fillers.length)}`)
      fillers.push(file)
      fs.writeFileSync(file, MiBs(4))
      return false
    } catch (error) {
      assert.equal((error as Failure).code, 'ENOSPC')
      return true
    }
  }
  while (!isFull());
  for (const file of fillers.slice(-4)) fs.rmSync(file)
  // What is freed, or not written out yet, has no place until then.
  await runTool('sync', ['-f', dir])
}

describe('a disk that is full', () => {
  for (const [kind, size] of [
    ['btrfs', 160],
    ['xfs', 320],
  ] as const)
    describe(`on a small ${kind}`, () => {
      const volume = withVolume(kind, { size: size * MiB })

      it('ENOSPC in the midst: dest is as before, and the error tells the file', async () => {
        const base = volume().fresh()
        const dir = writeTree(path.join(base, 'store/large'), large)
        const dest = writeTree(path.join(base, 'dest'), held)
        await fill(base)
        await assertNoRoom(base, dest, dir, 'ENOSPC')
      })
    })
})

describe('a quota that is used up', () => {
  const volume = withVolume('btrfs', { size: 256 * MiB })

  it('EDQUOT in the midst: dest is as before, and the error tells the file', async function () {
    const root = volume().path
    const home = path.join(root, 'home')
    await orSkip(this, runTool('btrfs', ['quota', 'enable', root]))
    await runTool('btrfs', ['subvolume', 'create', home])
    await runTool('btrfs', ['qgroup', 'limit', String(12 * MiB), home])
    const dir = writeTree(path.join(root, 'store/large'), large)
    const dest = writeTree(path.join(home, 'dest'), held)
    await assertNoRoom(home, dest, dir, 'EDQUOT')
  })
})

describe('a file system that becomes read-only', () => {
  const volume = withVolume('btrfs', { size: 256 * MiB })
  const remount = (how: string): Promise<string> =>
    runTool('mount', ['-o', `remount,${how}`, volume().path])

  itWith(
    'locks',
    'at any change: EROFS, nothing is lost, and recover() puts dest back once it can',
    async () => {
      for (let n = 1; ; n++) {
        const {
          base,
          dest,
          before: old,
          merge: mergeTo,
        } = makeScene(volume().fresh(), scenes["existing: 'replace'"])
        const { host, hit } = failpoints(defaultHost, n, async () => {
          await remount('ro')
          return undefined
        })
        const outcome = await mergeTo(host, { concurrency: 1 }).catch(
          (error: unknown) => error as Failure,
        )
        if (hit.length > 0) await remount('rw')
        else {
          assert.ok(n > 20)
          tell('remounts read-only', n - 1)
          return
        }
        if (outcome instanceof Error) {
          assert.equal(outcome.code, 'EROFS', String(n))
          assert.ok(outcome.syscall !== undefined && outcome.path !== undefined, String(n))
        }
        const { left, running } = await recover(dest)
        assert.deepEqual({ left, running }, { left: [], running: 0 }, String(n))
        assert.deepEqual(stagingBelow(base), [], String(n))
        if (outcome instanceof Error) assertTree(base, old)
      }
    },
  )
})

describe('an immutable file', () => {
  describeOn(['btrfs', 'xfs', 'ext4'], (volume) => {
    let stuck: string | undefined
    afterEach(async () => {
      if (stuck !== undefined) await runTool('chattr', ['-i', stuck])
      stuck = undefined
    })

    it('in the way of a replacement: EPERM, and all the others are put back', async () => {
      const base = volume.fresh()
      const sources = stored(base, {
        a: { 'a/first': 'new', 'm/stuck': 'new', 'z/last': 'new', 'new/file': 'new' },
      })
      const dest = writeTree(path.join(base, 'dest'), {
        ...{ 'a/first': 'old', 'm/stuck': 'old', 'z/last': 'old' },
      })
      const file = path.join(dest, 'm/stuck')
      await runTool('chattr', ['+i', file])
      stuck = file
      const before = digest(base)
      const error = await failureOf(merge(sources, dest, { existing: 'replace' }))
      assert.deepEqual([error.code, error.syscall, error.path], ['EPERM', 'rename', file])
      assert.equal(digest(base), before)
      // With nothing to do to it, it is in nobody's way.
      const others: Source[] = sources.map((each) => ({
        ...each,
        filter: (at: string) => at !== 'm/stuck',
      }))
      await merge(others, dest, { existing: 'replace' })
      assert.equal(fs.readFileSync(path.join(dest, 'z/last'), 'utf8'), 'new')
    })
  })
})

describe('one file of 10,000 that may not be read', function () {
  before(function () {
    if (process.getuid?.() !== 0) this.skip()
  })

  describeOn(['btrfs', 'xfs'], (volume) => {
    for (const exists of [false, true])
      it(`EACCES, and ${exists ? 'dest is as before' : 'no dest is made'}`, async () => {
        const base = volume.fresh()
        const dir = path.join(base, 'store/big')
        const spec: Record<string, string> = {}
        for (let index = 0; index < 10_000; index++)
          spec[`${String(index % 100)}/${String(index)}.js`] = `file ${String(index)}`
        writeTree(dir, spec)
        const dest = path.join(base, 'dest')
        if (exists) writeTree(dest, { '50/own': 'own', own: 'own' })
        giveToNobody(base)
        const unreadable = path.join(dir, '50/5050.js')
        fs.chmodSync(unreadable, 0o000)
        const before = exists ? digest(dest) : undefined
        const error = await asNobody(() => failureOf(merge([{ name: 'big', dir }], dest)))
        const { code, syscall, path: at, dest: to, source } = error
        assert.deepEqual([code, syscall, at, source], ['EACCES', 'open', unreadable, 'big'])
        assert.equal(to, path.join(dest, '50/5050.js'))
        assert.equal(error.errors, undefined)
        if (exists) assert.equal(digest(dest), before)
        assert.deepEqual(fs.readdirSync(base).sort(), exists ? ['dest', 'store'] : ['store'])
      })
  })
})

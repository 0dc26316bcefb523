import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { Host, PairJob } from '../../lib/host/host'
import type { MergeError } from '../../lib/merge-error'
import type { MergeOptions, MergeResult } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { asNobody, giveToNobody } from '../support/nobody'
import { scriptedHost } from '../support/scripted-host'
import { failWith } from '../support/scripts'
import { stagingIn, stored } from '../support/session'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

describeOn(['ext4', 'tmpfs', 'exfat'], (volume) => {
  onBothHosts((system) => {
    // exFAT has no symlinks, all its files may be read, and through FUSE nobody goes into what was moved.
    const itElsewhere = (title: string, test: () => Promise<void>): void => {
      if (volume.kind !== 'exfat') it(title, test)
    }

    interface Scene {
      readonly base: string
      readonly dest: string
      readonly merge: (options: MergeOptions, host?: Host) => Promise<MergeResult>
    }

    function scene(wanted: TreeSpec, held: TreeSpec): Scene {
      const base = volume.fresh()
      const dest = writeTree(path.join(base, 'dest'), held)
      const sources = stored(base, { one: wanted })
      const merge = (options: MergeOptions, host = system): Promise<MergeResult> =>
        mergeOn(host, sources, dest, options)
      return { base, dest, merge }
    }

    describe("with existing: 'replace'", () => {
      const putTheirsInto = (dir: string): void => {
        fs.writeFileSync(path.join(dir, 'theirs'), 'theirs')
      }
      /** Calls `meddle` once, right before an entry of this name is moved or swapped. */
      const meddlingBefore = (name: string, meddle: () => void): Host => {
        let isDone = false
        const look = (jobs: readonly PairJob[]): void => {
          if (isDone || !jobs.some(({ names }) => names.includes(name))) return
          isDone = true
          meddle()
        }
        return {
          ...system,
          exchange(jobs) {
            look(jobs)
            return system.exchange(jobs)
          },
          rename(jobs, replace) {
            look(jobs)
            return system.rename(jobs, replace)
          },
        }
      }

      itElsewhere('a symlink of dest gives way to a directory, and is not followed', async () => {
        const { base, dest, merge } = scene({ 'pkg/a': 'a', 'pkg/below/b': 'b' }, {})
        const outside = writeTree(path.join(base, 'outside'), { a: 'outside' })
        fs.symlinkSync('../outside', path.join(dest, 'pkg'))
        const before = snapshot(outside)
        const result = await merge({ existing: 'replace' })
        assertTree(outside, before)
        assert.equal(fs.lstatSync(path.join(dest, 'pkg')).isDirectory(), true)
        assert.deepEqual(fs.readdirSync(path.join(dest, 'pkg')).sort(), ['a', 'below'])
        assert.deepEqual(
          result.conflicts.map(({ path: at, kind, winner }) => [at, kind, winner]),
          [['pkg', 'existing', 'one']],
        )
        assert.deepEqual(stagingIn(dest), [])
      })

      it('a file gives way to a directory', async () => {
        const { dest, merge } = scene({ 'pkg/a': 'a' }, { pkg: 'file' })
        await merge({ existing: 'replace' })
        assert.deepEqual(fs.readdirSync(path.join(dest, 'pkg')), ['a'])
      })

      it('an empty directory gives way to a file', async () => {
        const { dest, merge } = scene(
          { file: 'a', 'deep/file': 'b' },
          { 'file/': { dir: true }, 'deep/file/': { dir: true } },
        )
        const result = await merge({ existing: 'replace' })
        assert.equal(fs.readFileSync(path.join(dest, 'file'), 'utf8'), 'a')
        assert.equal(fs.readFileSync(path.join(dest, 'deep/file'), 'utf8'), 'b')
        assert.equal(result.replaced, 2)
        assert.deepEqual(stagingIn(dest), [])
      })

      itElsewhere('an empty directory gives way to a symlink', async () => {
        const { dest, merge } = scene({ link: { symlink: 'file' } }, { 'link/': { dir: true } })
        const result = await merge({ existing: 'replace' })
        assert.equal(fs.readlinkSync(path.join(dest, 'link')), 'file')
        assert.equal(result.replaced, 1)
        assert.deepEqual(stagingIn(dest), [])
      })

      it('a directory that holds something does not, and the message advises something else', async () => {
        const { dest, merge } = scene({ file: 'a', other: 'b' }, { 'file/own': 'own' })
        const before = snapshot(dest)
        const error = (await failureOf(merge({ existing: 'replace' }))) as unknown as MergeError
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.deepEqual(
          error.conflicts.map(({ path: at, kind }) => [at, kind]),
          [['file', 'existing']],
        )
        assert.doesNotMatch(error.message, /'replace'/)
        assertTree(dest, before)
      })

      it('what appears in one meanwhile is never lost: it stands where it was, in an error', async () => {
        const { dest, merge } = scene({ file: 'a' }, { 'file/': { dir: true } })
        const host = meddlingBefore('file', () => {
          putTheirsInto(path.join(dest, 'file'))
        })
        const error = await failureOf(merge({ existing: 'replace' }, host))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.equal(fs.readFileSync(path.join(dest, 'file/theirs'), 'utf8'), 'theirs')
        assert.deepEqual(stagingIn(dest), [])
      })

      // Without the directory's own path there is no way into it on exFAT through FUSE.
      const aside = (dest: string): string => path.join(dest, stagingIn(dest)[0] ?? '', 'old/file')
      /** Calls `meddle` once, after the first rename or swap for which `isTime`. */
      const meddling = (
        isTime: (jobs: readonly PairJob[]) => boolean,
        meddle: () => void,
      ): { host: Host; done: () => boolean } => {
        let isDone = false
        const look = (jobs: readonly PairJob[]): void => {
          if (isDone || !isTime(jobs)) return
          isDone = true
          meddle()
        }
        const host: Host = {
          ...system,
          rename: async (jobs, replace) => {
            const outcomes = await system.rename(jobs, replace)
            look(jobs)
            return outcomes
          },
          exchange: async (jobs) => {
            const outcomes = await system.exchange(jobs)
            look(jobs)
            return outcomes
          },
        }
        return { host, done: () => isDone }
      }
      const isDirectory = (at: string): boolean | undefined =>
        fs.lstatSync(at, { throwIfNoEntry: false })?.isDirectory()

      itElsewhere('nor what somebody puts into it after it was moved aside', async () => {
        const { dest, merge } = scene({ file: 'a' }, { 'file/': { dir: true } })
        const { host, done } = meddling(
          () => isDirectory(path.join(dest, 'file')) === false && isDirectory(aside(dest)) === true,
          () => {
            putTheirsInto(aside(dest))
          },
        )
        await failureOf(merge({ existing: 'replace' }, host))
        assert.equal(done(), true)
        assert.equal(fs.readFileSync(path.join(dest, 'file/theirs'), 'utf8'), 'theirs')
        assert.deepEqual(stagingIn(dest), [])
      })

      itElsewhere('nor what somebody puts into it after the merge is complete', async () => {
        const { dest, merge } = scene({ file: 'a' }, { 'file/': { dir: true } })
        // The commit point: the staging directory no longer says that dest is being changed.
        const { host, done } = meddling(
          (jobs) => jobs.some(({ names }) => names.some((name) => name.endsWith('-begun'))),
          () => {
            putTheirsInto(aside(dest))
          },
        )
        const { leftover } = await merge({ existing: 'replace' }, host)
        assert.equal(done(), true)
        assert.match(String(leftover?.error), /something has been put into it since/)
        const kept = path.join(String(leftover?.path), 'old/file/theirs')
        assert.equal(fs.readFileSync(kept, 'utf8'), 'theirs')
        // The next merge does not take it for what a killed merge has left.
        await merge({ existing: 'replace' })
        assert.equal(fs.readFileSync(kept, 'utf8'), 'theirs')
      })

      it('the path is empty at no moment, where the system can swap names', async () => {
        const held: TreeSpec = { pkg: 'a file', 'file/': { dir: true } }
        const { dest, merge } = scene({ file: 'a', 'pkg/b': 'b' }, held)
        const missing: string[] = []
        let swaps = 0
        const look = (): void => {
          for (const name of ['pkg', 'file']) {
            if (!fs.existsSync(path.join(dest, name))) missing.push(name)
          }
        }
        const host: Host = {
          ...system,
          async rename(jobs, replace) {
            const outcomes = await system.rename(jobs, replace)
            look()
            return outcomes
          },
          async exchange(jobs) {
            const outcomes = await system.exchange(jobs)
            if (outcomes.errnos[0] === 0) swaps++
            look()
            return outcomes
          },
        }
        await merge({ existing: 'replace' }, host)
        // Node.js has no such call, and FUSE does not pass it on.
        const isAble = system.kind === 'native' && volume.kind !== 'exfat'
        assert.deepEqual([swaps, missing.length > 0], isAble ? [2, false] : [0, true])
      })

      it('a driver that takes a swap for a plain rename is not asked again and again', async () => {
        const held: TreeSpec = { pkg: 'a file', 'file/': { dir: true } }
        const { dest, merge } = scene({ file: 'a', 'pkg/b': 'b' }, held)
        const ignoring = scriptedHost(system, ({ path: at }) =>
          failWith(path.basename(at) === 'pkg' ? 'ENOTDIR' : 'EISDIR', 'rename'),
        )
        const result = await merge(
          { existing: 'replace' },
          { ...system, exchange: (jobs) => ignoring.exchange(jobs) },
        )
        assert.equal(result.replaced, 1)
        assert.equal(fs.readFileSync(path.join(dest, 'file'), 'utf8'), 'a')
        assert.deepEqual(fs.readdirSync(path.join(dest, 'pkg')), ['b'])
        assert.deepEqual(stagingIn(dest), [])
      })

      itElsewhere(
        'a directory with content that comes in the place of a symlink in the last moment stays',
        async () => {
          const { dest, merge } = scene({ 'pkg/a': 'a' }, { pkg: { symlink: 'away' } })
          const host = meddlingBefore('pkg', () => {
            fs.unlinkSync(path.join(dest, 'pkg'))
            writeTree(dest, { 'pkg/theirs': 'theirs' })
          })
          // By then it is a directory to merge into.
          await merge({ existing: 'replace' }, host)
          assert.deepEqual(fs.readdirSync(path.join(dest, 'pkg')).sort(), ['a', 'theirs'])
          assert.deepEqual(stagingIn(dest), [])
        },
      )
    })

    describe("with existing: 'keep'", () => {
      itElsewhere(
        'a symlink where a directory is needed stays an error that does not advise to keep it',
        async () => {
          const { dest, merge } = scene({ 'pkg/a': 'a' }, { pkg: { symlink: '..' } })
          const before = snapshot(dest)
          const error = await failureOf(merge({ existing: 'keep' }))
          assert.equal(error.code, 'ERR_MERGE_CONFLICT')
          assert.doesNotMatch(error.message, /'keep'/)
          assertTree(dest, before)
        },
      )
    })

    describe('a file of dest that may not be read', () => {
      const held: TreeSpec = { same: { data: 'same', mode: 0 }, other: { data: 'other', mode: 0 } }
      const wanted: TreeSpec = { same: 'same', other: 'OTHER', more: 'more' }
      const asOther = async <T>(base: string, work: () => Promise<T>): Promise<T> => {
        giveToNobody(base)
        return asNobody(work)
      }

      itElsewhere("differs: existing: 'keep' keeps it", async () => {
        const { base, dest, merge } = scene(wanted, held)
        const result = await asOther(base, () => merge({ existing: 'keep' }))
        assert.deepEqual([result.kept, result.created], [2, 1])
        assert.equal(fs.readFileSync(path.join(dest, 'other'), 'utf8'), 'other')
      })

      itElsewhere("differs: existing: 'replace' replaces it", async () => {
        const { base, dest, merge } = scene(wanted, held)
        const result = await asOther(base, () => merge({ existing: 'replace' }))
        assert.deepEqual([result.replaced, result.created], [2, 1])
        assert.equal(fs.readFileSync(path.join(dest, 'other'), 'utf8'), 'OTHER')
      })

      itElsewhere("differs: existing: 'error' reports it as what dest holds", async () => {
        const { base, merge } = scene(wanted, held)
        const error = await asOther(base, () => failureOf(merge({})))
        assert.equal(error.code, 'ERR_MERGE_CONFLICT')
        assert.match(error.message, /same: dest already has something/)
      })

      itElsewhere('but a source that may not be read stays an error that names it', async () => {
        const { base, merge } = scene({ same: { data: 'same', mode: 0 } }, { same: 'same' })
        // As the bits of both would differ only in what is compared before the bytes.
        const error = await asOther(base, () => failureOf(merge({ existing: 'replace' })))
        assert.equal(error.code, 'EACCES')
        assert.equal(error.path, path.join(base, 'store/one/same'))
      })
    })
  })
})

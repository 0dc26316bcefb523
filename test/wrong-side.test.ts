import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../lib/errno'
import { mergeOn, recoverOn } from '../lib/merge'
import { onBothHosts } from './support/both-hosts'
import { cli } from './support/cli'
import { describeOn } from './support/describe-on'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { runTool } from './support/tool'
import { writeTree } from './support/tree'

describe('an error says on which side it was, and what to do', () => {
  onBothHosts((host) => {
    it('dest leads through a name with a backslash that is not there', async () => {
      const dir = freshDir()
      const a = writeTree(path.join(dir, 'a'), { file: 'x' })
      const dest = path.join(dir, 'x\\y', 'dest')
      const error = await failureOf(mergeOn(host, [{ name: 'a', dir: a }], dest))
      const paths = [{ source: '', path: dest, reason: 'backslash' }]
      assert.deepEqual([error.code, error.paths], ['ERR_MERGE_INVALID_PATH', paths])
      assert.match(error.message, /backslash\); create that directory first/)
      assert.deepEqual(fs.readdirSync(dir), ['a'])
      fs.mkdirSync(path.dirname(dest))
      await mergeOn(host, [{ name: 'a', dir: a }], dest)
      assert.equal(fs.readFileSync(path.join(dest, 'file'), 'utf8'), 'x')
    })

    it('recover of a path that is not there, and that no merge has left anything for', async () => {
      const dest = path.join(freshDir(), 'none')
      const { undone, removed, running, left } = await recoverOn(host, dest)
      assert.deepEqual([undone, removed, running, left], [0, 0, 0, []])
      const { code, stderr } = await cli('recover', dest)
      assert.equal(code, 2)
      assert.match(stderr, /no merge has left anything behind: check the spelling/)
    })

    it('dest leads through a file, or is one', async () => {
      const a = writeTree(path.join(freshDir(), 'a'), { file: 'x' })
      for (const below of ['file', 'file/dest']) {
        const error = await failureOf(mergeOn(host, [{ name: 'a', dir: a }], path.join(a, below)))
        assert.equal(error.code, 'ENOTDIR')
        const { stderr } = await cli('merge', a, path.join(a, below))
        assert.match(stderr, /dest, or something in its path, is not a directory/)
      }
    })

    it('a file cannot be made in dest: path is the one in dest', async () => {
      const dir = freshDir()
      const a = writeTree(path.join(dir, 'a'), { 'what?.js': 'x' })
      const dest = path.join(dir, 'dest')
      const refusing: typeof host = {
        ...host,
        placeTrees: undefined,
        copy: (jobs) =>
          Promise.resolve({
            errnos: Int32Array.from(jobs.flatMap(({ names }) => names.map(() => errno.EINVAL))),
            syscall: () => 'open',
            inDest: () => true,
          }),
      }
      const options = { linkModes: 'copy' as const }
      const error = await failureOf(mergeOn(refusing, [{ name: 'a', dir: a }], dest, options))
      assert.deepEqual(
        [error.code, error.syscall, error.path, error.source],
        ['EINVAL', 'open', path.join(dest, 'what?.js'), 'a'],
      )
      assert.match(error.message, /dest's file system does not allow that file name/)
    })
  })

  describeOn(['tmpfs'], (volume) => {
    it('a mount point stands in the way of a file, also of the same file system', async () => {
      const dir = volume.fresh()
      const a = writeTree(path.join(dir, 'a'), { 'in/file': 'new' })
      const dest = writeTree(path.join(dir, 'dest'), { 'in/file': 'old' })
      const other = writeTree(path.join(dir, 'other'), { file: 'other' })
      const mounted = path.join(dest, 'in/file')
      await runTool('mount', ['--bind', path.join(other, 'file'), mounted])
      try {
        const { code, stderr } = await cli('merge', '--existing', 'replace', a, dest)
        assert.equal(code, 2)
        assert.match(stderr, /E(?:XDEV|BUSY)/)
        assert.match(stderr, /mount/)
        assert.equal(fs.readFileSync(mounted, 'utf8'), 'other')
      } finally {
        await runTool('umount', [mounted])
      }
      assert.equal(fs.readFileSync(mounted, 'utf8'), 'old')
    })
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Outcomes, Place } from '../../lib/host/host'
import { clonefileHost } from '../support/clonefile-host'
import { describeOn } from '../support/describe-on'
import { codeOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

// What the merge relies on of clonefile(2), and the host that stands in for macOS is held to.
const system = { ...defaultHost, cloneDirectory: undefined }

describe('cloneDirectory', () => {
  const host = clonefileHost(system)

  const told = ({ errnos, syscall }: Outcomes): string[] =>
    [...errnos].map((number, index) =>
      number === 0 ? 'ok' : `${codeOf(number)} ${syscall(index)}`,
    )

  async function clone(base: string, ...pairs: readonly [string, string][]): Promise<string[]> {
    assert.ok(host.cloneDirectory)
    const at: Place = { base, path: '' }
    const [names, toNames] = [pairs.map(([name]) => name), pairs.map(([, name]) => name)]
    return told(await host.cloneDirectory([{ from: at, to: at, names, toNames }]))
  }

  describeOn(['btrfs', 'xfs'], (volume) => {
    it('makes all that lies in the directory: names, kinds, modes, texts and times', async () => {
      const base = writeTree(volume.fresh(), {
        'src/a': { data: 'a', mode: 0o640 },
        'src/deep/b': { data: 'b', mode: 0o755 },
        'src/deep/': { dir: true, mode: 0o2710 },
        'src/link': { symlink: 'nowhere' },
        'src/empty/': {},
      })
      const old = new Date(2001, 1, 1)
      for (const name of ['src/deep/b', 'src/deep', 'src'])
        fs.utimesSync(path.join(base, name), old, old)
      assert.deepEqual(await clone(base, ['src', 'dest']), ['ok'])
      assert.deepEqual(snapshot(path.join(base, 'dest')), snapshot(path.join(base, 'src')))
      for (const name of ['dest/deep/b', 'dest/deep', 'dest']) {
        assert.equal(fs.statSync(path.join(base, name)).mtimeMs, old.getTime(), name)
      }
      assert.deepEqual(fs.readdirSync(base).sort(), ['dest', 'src'])
    })

    it('takes set-user-ID and set-group-ID off files', async () => {
      const base = writeTree(volume.fresh(), { 'src/s': { data: 's', mode: 0o6755 } })
      assert.deepEqual(await clone(base, ['src', 'dest']), ['ok'])
      assert.equal(fs.statSync(path.join(base, 'dest/s')).mode & 0o7777, 0o755)
    })

    it('clones a symlink itself, and follows none', async () => {
      const base = writeTree(volume.fresh(), { 'real/x': 'x', link: { symlink: 'real' } })
      assert.deepEqual(await clone(base, ['link', 'dest']), ['ok'])
      assert.equal(fs.readlinkSync(path.join(base, 'dest')), 'real')
    })

    it('tells EEXIST, ENOENT and EINVAL name by name, and leaves what was there', async () => {
      const base = writeTree(volume.fresh(), { 'src/x': 'x', 'dir/own': 'own', file: 'f' })
      const before = snapshot(base)
      assert.deepEqual(
        await clone(base, ['src', 'dir'], ['src', 'file'], ['none', 'new'], ['src', 'a/b']),
        ['EEXIST clonefile', 'EEXIST clonefile', 'ENOENT clonefile', 'EINVAL clonefile'],
      )
      assert.deepEqual(snapshot(base), before)
    })

    it('is all or nothing: what cannot be cloned leaves no part', async () => {
      const base = writeTree(volume.fresh(), { 'src/a': 'a', 'src/z/fifo': { fifo: true } })
      assert.deepEqual(await clone(base, ['src', 'dest']), ['EOPNOTSUPP clonefile'])
      assert.deepEqual(fs.readdirSync(base), ['src'])
    })

    it('tells EXDEV for another file system, and leaves nothing', async () => {
      const base = writeTree(volume.fresh(), { 'src/a': 'a' })
      const other = freshDir()
      const job = { from: { base, path: '' }, to: { base: other, path: '' }, names: ['src'] }
      assert.ok(host.cloneDirectory)
      assert.deepEqual(told(await host.cloneDirectory([job])), ['EXDEV clonefile'])
      assert.deepEqual(fs.readdirSync(other), [])
    })
  })
})

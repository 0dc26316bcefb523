import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge, recover } from '../../lib/index'
import { compile } from '../support/compile'
import { describeOn } from '../support/describe-on'
import { stagingBelow } from '../support/kill-check'
import { killed } from '../support/killed'
import { describeWith } from '../support/needs'
import { stored } from '../support/session'
import { runTool } from '../support/tool'
import { writeTree } from '../support/tree'
import { orSkip } from '../support/unrunnable'
import { MiB, makeVolume } from '../support/volumes'

const packages = {
  a: {
    'mine/f': 'f',
    'mine/old': 'new',
    'mine/new/g': 'g',
    'mine/below/h': 'h',
    'plain/i': 'i',
  },
}
const had = { 'mine/old': 'old', 'mine/below/own': 'own', 'plain/own': 'own' }
const inMine = ['f', 'old', 'new', 'new/g', 'below/h']

describeWith('addon', 'directories of dest that no entry can be renamed into', function () {
  this.timeout(60_000)
  describeOn(['xfs'], (volume) => {
    /** A dest in which `mine` and what lies in it has a project of its own. */
    async function withProject(base: string): Promise<string> {
      const dest = writeTree(path.join(base, 'dest'), had)
      const mine = path.join(dest, 'mine')
      await runTool('xfs_io', ['-c', 'chproj -R 42', '-c', 'chattr -R +P', mine])
      return dest
    }

    const projectOf = async (file: string): Promise<string> =>
      (await runTool('xfs_io', ['-r', '-c', 'lsproj', file])).trim()

    for (const linkModes of ['copy', 'hardlink'] as const)
      it(`a project of its own: what is new in it is counted there (${linkModes})`, async () => {
        const base = volume.fresh()
        const dest = await withProject(base)
        const options = {
          existing: 'replace',
          linkModes: [...new Set([linkModes, 'copy' as const])],
        } as const
        const { linkModes: how } = await merge(stored(base, packages), dest, options)
        for (const name of inMine)
          assert.equal(await projectOf(path.join(dest, 'mine', name)), 'projid = 42')
        assert.equal(await projectOf(path.join(dest, 'plain/i')), 'projid = 0')
        // A link would be of another project.
        if (linkModes === 'hardlink') assert.deepEqual([how.hardlink, how.copy], [1, 4])
        assert.equal(fs.readFileSync(path.join(dest, 'mine/old'), 'utf8'), 'new')
        assert.deepEqual(stagingBelow(base), [])
      })

    it('a project of its own: a merge that is killed there is undone', async () => {
      const base = volume.fresh()
      const sources = stored(base, packages)
      const options = { existing: 'replace', concurrency: 1 } as const
      let undone = 0
      for (let at = 1; ; at += 4) {
        const root = path.join(base, String(at))
        const dest = await withProject(root)
        if ((await killed({ what: 'merge', sources, dest, options, at })) !== undefined) break
        const result = await recover(dest)
        assert.deepEqual(result.left, [])
        undone += result.undone
        const isDone = fs.existsSync(path.join(dest, 'mine/f'))
        assert.equal(fs.readFileSync(path.join(dest, 'mine/old'), 'utf8'), isDone ? 'new' : 'old')
        assert.equal(fs.existsSync(path.join(dest, 'mine/new')), isDone)
        assert.deepEqual(stagingBelow(root), [])
      }
      assert.ok(undone > 1)
    })
  })

  it('encryption: what is new is encrypted with the key of its own directory', async function () {
    const volume = await orSkip(
      this,
      makeVolume('ext4', { size: 64 * MiB, mkfsArgs: ['-O', 'encrypt'] }),
    )
    const base = volume.fresh()
    const program = await compile('encrypt.c')
    const dest = writeTree(path.join(base, 'dest'), { own: '' })
    for (const [index, name] of ['mine', 'other'].entries()) {
      fs.mkdirSync(path.join(dest, name))
      await runTool(program, [volume.path, path.join(dest, name), String(index + 1)])
    }
    writeTree(dest, { ...had, 'other/own': '' })
    const keyOf = (name: string): Promise<string> => runTool(program, [path.join(dest, name)])
    const sources = stored(base, { a: { ...packages.a, 'other/j': 'j' } })
    await merge(sources, dest, { existing: 'replace' })
    const [mine, other] = [await keyOf('mine'), await keyOf('other')]
    assert.notEqual(mine, other)
    for (const name of inMine) assert.equal(await keyOf(`mine/${name}`), mine, name)
    assert.equal(await keyOf('other/j'), other)
    assert.equal(await keyOf('plain/i'), 'none\n')
    assert.equal(fs.readFileSync(path.join(dest, 'mine/old'), 'utf8'), 'new')
    assert.deepEqual(stagingBelow(base), [])
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge, openMerge, recover } from '../../lib/index'
import { findableIds } from '../../lib/records'
import { abandonedIn } from '../support/abandoned'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { stagingIn, stored } from '../support/session'

describeWith('locks', 'what a killed merge has left in a directory above dest', () => {
  const scene = (): { parent: string; dest: string; sources: ReturnType<typeof stored> } => {
    const base = freshDir()
    const parent = path.join(base, 'parent')
    fs.mkdirSync(parent)
    const sources = stored(base, { one: { 'pkg/a': 'a' } })
    return { parent, dest: path.join(parent, 'x/dest'), sources }
  }

  it('is found without listing that directory, but by recover(), which lists it', async () => {
    const { parent, dest, sources } = scene()
    const listed = new Set<string>()
    const { readdir } = fs.promises
    const listing = (async (at: string) => {
      listed.add(at)
      return readdir(at)
    }) as typeof readdir
    fs.promises.readdir = listing
    try {
      const [, id = ''] = findableIds('x/dest')
      const staging = await abandonedIn(parent, id, '', { 'new/x/dest/pkg/a': 'a' })
      await merge(sources, dest)
      await merge(sources, dest)
      assert.equal(fs.existsSync(staging), false)
      assert.deepEqual([...listed], [dest])
      await recover(dest)
      assert.ok(listed.has(parent))
    } finally {
      fs.promises.readdir = readdir
    }
  })

  it('is found by recover() whatever its number, and by the next merge if it is one of the first', async () => {
    const { parent, dest, sources } = scene()
    const other = await abandonedIn(parent, 'f'.repeat(16), '', {})
    const ofOther = await abandonedIn(parent, findableIds('other')[0] ?? '', '', {})
    for (const id of findableIds('x/dest')) await abandonedIn(parent, id, '', {})
    await merge(sources, dest)
    assert.deepEqual(stagingIn(parent), [other, ofOther].map((at) => path.basename(at)).sort())
    const { removed } = await recover(dest)
    assert.deepEqual([removed, stagingIn(parent)], [2, []])
  })

  it('where all numbers are taken, merges go on and leave nothing', async () => {
    const { parent, dest, sources } = scene()
    const sessions = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const session = await openMerge(dest)
        await session.add(sources[0] ?? assert.fail())
        return session
      }),
    )
    const found = findableIds('x/dest')
    const ids = stagingIn(parent).map((name) => name.replace('.reflink-merge-', ''))
    assert.equal(ids.length, 20)
    assert.equal(ids.filter((id) => found.includes(id)).length, 16)
    for (const session of sessions) await session.commit()
    assert.deepEqual([...stagingIn(parent), ...fs.readdirSync(dest)], ['pkg'])
  })

  it('does not get into the way of one that has the same name there by now', async () => {
    const { parent, dest, sources } = scene()
    const open = async (): ReturnType<typeof openMerge> => {
      const session = await openMerge(dest)
      await session.add(sources[0] ?? assert.fail())
      return session
    }
    const first = await open()
    const [name] = stagingIn(parent)
    fs.mkdirSync(dest, { recursive: true })
    await first.commit()
    assert.deepEqual(fs.readdirSync(dest), ['pkg'])
    fs.rmSync(path.join(parent, 'x'), { recursive: true })
    const second = await open()
    assert.deepEqual(stagingIn(parent), [name])
    await second.commit()
    assert.deepEqual([...stagingIn(parent), ...fs.readdirSync(dest)], ['pkg'])
  })
})

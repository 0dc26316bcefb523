import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge, type Source } from '../lib/index'
import { freshDir } from './support/fresh'
import { writeTree } from './support/tree'

/** What JavaScript may answer in the place of a boolean. */
const answers = (values: readonly unknown[]): ((at: string) => boolean)[] =>
  values.map((value) => () => value as boolean)

describe('a callback that answers no boolean', () => {
  let base: string
  let dir: string

  beforeEach(() => {
    base = freshDir()
    dir = writeTree(path.join(base, 'src'), { a: 'a' })
  })

  const sourcesWith = (filter: (at: string) => boolean): Source[][] => [
    [{ name: 'tree', dir, filter }],
    [{ name: 'map', files: new Map([['a', path.join(dir, 'a')]]), filter }],
  ]

  it('leaves a path out as `filter` if it is falsy, of a directory and of a map alike', async () => {
    const kept = async (values: readonly unknown[]): Promise<number[]> => {
      const counts: number[] = []
      for (const sources of answers(values).flatMap(sourcesWith))
        counts.push((await merge(sources, path.join(base, `dest-${counts.length}`))).files)
      return counts
    }
    assert.deepEqual(await kept([null, undefined, 0, '']), [0, 0, 0, 0, 0, 0, 0, 0])
    assert.deepEqual(await kept([1, 'yes', ['match']]), [1, 1, 1, 1, 1, 1])
  })

  it('counts as `mutable` if it is truthy, for a new file and for one that was linked before', async () => {
    const dest = path.join(base, 'dest')
    const sources = [{ name: 'tree', dir }]
    const inode = (): number => fs.statSync(path.join(dest, 'a')).ino
    await merge(sources, dest, { linkModes: 'hardlink' })
    assert.equal(inode(), fs.statSync(path.join(dir, 'a')).ino)
    const [mutable] = answers([1])
    const options = {
      linkModes: 'hardlink',
      existing: 'replace',
      ...(mutable && { mutable }),
    } as const
    assert.equal((await merge(sources, dest, options)).replaced, 1)
    assert.notEqual(inode(), fs.statSync(path.join(dir, 'a')).ino)
  })
})

import assert from 'node:assert/strict'
import path from 'node:path'

import { isMergeError, merge, MergeError, SystemError } from '../lib/index'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { writeTree } from './support/tree'

describe('isMergeError', () => {
  const refused = async (): Promise<unknown> => {
    const base = writeTree(freshDir(), { 'a/x': 'a', 'b/x': 'b' })
    const sources = ['a', 'b'].map((name) => ({ name, dir: path.join(base, name) }))
    return failureOf(merge(sources, path.join(base, 'dest')))
  }

  it('knows what a merge is refused with, as instanceof does, and its details by its code', async () => {
    const error = await refused()
    assert.ok(error instanceof MergeError)
    assert.ok(isMergeError(error))
    assert.ok(error.code === 'ERR_MERGE_CONFLICT')
    assert.deepEqual(
      error.conflicts.map(({ path: at }) => at),
      ['x'],
    )
  })

  it('knows an error of another copy of the package, whose class is another one', async () => {
    const { code, message } = (await refused()) as MergeError
    const other = Object.assign(new Error(message), { name: 'MergeError', code })
    assert.ok(!(other instanceof MergeError))
    assert.ok(isMergeError(other))
  })

  it('knows no others: failed calls, bad arguments, reasons of signals, codes of a later version', async () => {
    const base = freshDir()
    const missing = await failureOf(merge([{ name: 'a', dir: `${base}/none` }], `${base}/dest`))
    assert.ok(missing instanceof SystemError)
    const bad = await failureOf(merge([], ''))
    assert.equal(bad.code, 'ERR_INVALID_ARG_VALUE')
    const later = Object.assign(new Error(), { name: 'MergeError', code: 'ERR_MERGE_LATER' })
    const inherited = Object.assign(new Error(), { name: 'MergeError', code: 'toString' })
    const others = [missing, bad, later, inherited, new Error(), 'ERR_MERGE_CONFLICT', null]
    for (const other of [...others, undefined, 7]) assert.ok(!isMergeError(other))
  })
})

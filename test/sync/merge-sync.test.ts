import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { isMergeError, merge, MergeError, mergeSync, SystemError } from '../../lib/index'
import type { MergeOptions, Source } from '../../lib/index'
import type { Failure } from '../support/failure'
import { freshDir } from '../support/fresh'
import { tsxInThreads } from '../support/threads'
import { assertTree, snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

function thrownBy(call: () => unknown): Failure {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  assert.fail('nothing was thrown')
}

describe('mergeSync()', () => {
  tsxInThreads()

  let base = ''
  let sources: Source[]
  let dest = ''
  beforeEach(() => {
    base = writeTree(freshDir(), { 'a/deep/file': 'a', 'a/link': { symlink: 'deep/file' } })
    dest = path.join(base, 'dest')
    const files = new Map([['index.js', { content: Buffer.from('made') }]])
    sources = [
      { name: 'a', dir: path.join(base, 'a') },
      { name: 'b', files, to: 'b', exact: true },
    ]
  })

  it('gives the tree and the result of merge()', async () => {
    const options: MergeOptions = { linkModes: 'copy', existing: undefined }
    const waited = mergeSync(sources, dest, options)
    const other = path.join(base, 'other')
    const { duration, ...result } = await merge(sources, other, options)
    assert.deepEqual({ ...waited, duration }, { ...result, duration })
    assert.deepEqual(Object.keys(waited.duration), Object.keys(duration))
    assertTree(dest, other)
  })

  it('is told relative paths, and runs one merge after the other', () => {
    const relative = path.relative(process.cwd(), dest)
    const dir = path.relative(process.cwd(), path.join(base, 'a'))
    assert.equal(mergeSync([{ name: 'a', dir }], relative).created, 2)
    assert.equal(mergeSync([{ name: 'a', dir }], relative).unchanged, 2)
  })

  it('throws the error of a merge that is refused, with all that it tells', () => {
    writeTree(dest, { 'deep/file': 'mine', link: 'mine' })
    const before = snapshot(dest)
    const error = thrownBy(() => mergeSync(sources, dest))
    assert.ok(error instanceof MergeError && isMergeError(error))
    assert.equal(error.code, 'ERR_MERGE_CONFLICT')
    assert.deepEqual(
      error.conflicts.map(({ path }) => path),
      ['deep/file', 'link'],
    )
    assert.match(error.stack ?? '', /merge-sync\.test\.ts/)
    assertTree(dest, before)
  })

  it('throws the error of a failed system call, with all that it tells', () => {
    const dir = path.join(base, 'missing')
    const error = thrownBy(() => mergeSync([{ name: 'a', dir }], dest))
    assert.ok(error instanceof SystemError)
    const { code, errno, path: at, source, message } = error
    assert.deepEqual(
      { code, errno, at, source },
      { code: 'ENOENT', errno: -2, at: dir, source: 'a' },
    )
    assert.match(message, /^ENOENT: no such file or directory/)
  })

  it('throws all errors where several things are wrong', () => {
    writeTree(path.join(base, 'bad'), { pipe: { fifo: true }, 'nul/x': 'x' })
    const bad = { name: 'bad', files: { '../up': path.join(base, 'a/deep/file') } }
    const special = { name: 'special', dir: path.join(base, 'bad') }
    const { code, errors } = thrownBy(() => mergeSync([bad, special], dest))
    assert.equal(code, 'ERR_MERGE_INVALID_PATH')
    assert.deepEqual(
      errors?.map((error) => error.code),
      ['ERR_MERGE_INVALID_PATH', 'ERR_MERGE_UNSUPPORTED_FILE'],
    )
    assert.ok(errors.every((error) => error instanceof MergeError))
  })

  it('refuses what it would have to call', () => {
    const options: MergeOptions[] = [
      { onProgress: () => undefined },
      { mutable: () => true },
      { conflicts: ({ sources: [first] }) => first ?? '' },
      { signal: new AbortController().signal },
    ]
    for (const each of options) {
      const { code, message } = thrownBy(() => mergeSync(sources, dest, each))
      assert.equal(code, 'ERR_INVALID_ARG_VALUE')
      assert.ok(message.startsWith(`options.${Object.keys(each).join()} cannot be used`), message)
    }
    const filtered = { name: 'f', dir: path.join(base, 'a'), filter: () => true }
    const { code, message } = thrownBy(() => mergeSync([filtered], dest))
    assert.equal(code, 'ERR_INVALID_ARG_VALUE')
    assert.match(message, /^sources\[0\]\.filter cannot be used/)
    assert.equal(fs.existsSync(dest), false)
  })

  it('refuses bad arguments as merge() does', () => {
    const wrong = [{ name: 'a' }] as unknown as Source[]
    assert.equal(thrownBy(() => mergeSync(wrong, dest)).code, 'ERR_INVALID_ARG_VALUE')
    assert.equal(thrownBy(() => mergeSync(sources, '')).code, 'ERR_INVALID_ARG_VALUE')
    const options = { linkModes: 'teleport' } as unknown as MergeOptions
    assert.equal(thrownBy(() => mergeSync(sources, dest, options)).code, 'ERR_INVALID_ARG_VALUE')
  })
})

import assert from 'node:assert/strict'
import os from 'node:os'

import { hintFor, hints, sideOf } from '../../lib/cli/hints'

const ofBoth = ['ficlone', 'clonefile', 'duplicate_extents', 'link', 'copy_file_range', 'copyfile']
const ofSource = ['open', 'read', 'scandir', 'fstat']
const ofDest = [
  ...['open', 'mkdir', 'symlink', 'rename', 'unlink', 'rmdir', 'chmod', 'write', 'utimes'],
  ...['realpath', 'flock', 'syncfs'],
]
const errnos = Object.keys(os.constants.errno)

/** What only a failure of the other side may advise. */
const aboutStore = /\b(?:the store|store's|package's)\b|single file is a source/
const aboutDest = /take another dest|of dest\b|dest's owner/

describe('the hint for an errno, a call and a side', () => {
  for (const call of ofDest)
    it(`never sends somebody to the store whose ${call} in dest failed`, () => {
      for (const code of errnos) {
        const hint = hintFor(code, call, 'dest')
        if (hint === undefined) continue
        assert.doesNotMatch(`${hint.means}; ${hint.next}`, aboutStore, code)
      }
    })

  for (const call of ofSource)
    it(`never sends somebody to dest whose ${call} in a source failed`, () => {
      // A name of a source that is too long to be read was made too long by nobody but the caller.
      const others = errnos.filter((code) => !['EROFS', 'ENAMETOOLONG'].includes(code))
      for (const code of others) {
        const hint = hintFor(code, call, 'source')
        if (hint === undefined) continue
        assert.doesNotMatch(`${hint.means}; ${hint.next}`, aboutDest, code)
      }
    })

  it('tells the sides apart by what failed', () => {
    assert.equal(sideOf({ syscall: 'open', source: 'a', side: 'dest' }), 'dest')
    assert.equal(sideOf({ syscall: 'open', source: 'a' }), 'source')
    assert.equal(sideOf({ syscall: 'open' }), 'dest')
    assert.equal(sideOf({ syscall: 'write', source: 'a', dest: 'd' }), 'dest')
    assert.equal(sideOf({ syscall: 'read', source: 'a', dest: 'd' }), 'source')
    for (const call of ofBoth)
      assert.equal(sideOf({ syscall: call, source: 'a', dest: 'd' }), undefined)
  })

  it('is reached: none stands behind another that fits whatever it fits', () => {
    for (const hint of hints) {
      for (const call of hint.syscalls ?? [undefined])
        assert.equal(hintFor(hint.code, call, hint.side), hint, `${hint.code} ${String(call)}`)
    }
  })
})

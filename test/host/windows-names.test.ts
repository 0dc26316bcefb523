import assert from 'node:assert/strict'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { nameProblem } from '../../lib/host/names'
import { mergeOn, planOn } from '../../lib/merge'
import { symlinkProblem } from '../../lib/scan/symlinks'
import { failureOf, pathLines } from '../support/failure'
import { freshDir } from '../support/fresh'
import { stagingIn } from '../support/session'
import { snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'

const devices = [
  ...['con', 'PRN', 'Aux', 'nul', 'CONIN$', 'conout$'],
  ...['com0', 'COM1', 'com9', 'LPT1', 'lpt9', 'COM¹', 'lpt²', 'com³'],
]
const refused: Readonly<Record<string, readonly string[]>> = {
  'the name of a device': devices,
  'the name of a device with an extension': ['nul.txt', 'CON.tar.gz', 'com1.', 'aux .c', 'nul..'],
  'an alternate data stream': ['a:b', 'a.js:hidden', ':x', 'x:', 'dir::$DATA', 'c:'],
  'a trailing dot or space': ['a.', 'a ', '...', ' ', 'a. ', 'lib.d.'],
  'a character of wildcards, pipes or quotes': ['a?', '*', 'a<b', 'a>b', 'a|b', 'say "x"'],
  'a control character': ['a\u0001', '\tb', 'line\n', 'a\u001fb'],
  'a backslash': ['a\\b', '..\\x', '\\'],
  'too many characters': ['n'.repeat(256)],
}
const taken = [
  ...['console', 'nul-x', 'null', 'com', 'com10', 'lpt', 'auxiliary.js', 'xcon', '.con', 'com1x'],
  ...['.gitignore', ' leading', 'a b', 'ümlaut', '漢字', "it's", 'a;b', 'n'.repeat(255), 'com⁴'],
]

describe('names where dest is on Windows', () => {
  for (const [what, names] of Object.entries(refused)) {
    it(`are refused with ${what}`, () => {
      const passed = names.filter((name) => nameProblem(name, 'win32') === undefined)
      assert.deepEqual(passed, [])
    })
  }

  it('are taken where they only look like those, and elsewhere all but backslashes are', () => {
    const problems = taken.map((name) => nameProblem(name, 'win32'))
    assert.deepEqual(problems.filter(Boolean), [])
    const elsewhere = Object.values(refused).flat()
    const problemsElsewhere = elsewhere.filter((name) => nameProblem(name, 'linux') !== undefined)
    assert.deepEqual(problemsElsewhere, ['a\\b', '..\\x', '\\', 'n'.repeat(256)])
  })

  const canMakeThem = process.platform !== 'win32'
  const inTree = [
    'tree: a:b (":" on Windows)',
    'tree: end. (trailing dot or space on Windows)',
    'tree: lib/aux.js (the name of a device on Windows)',
    'tree: nul (the name of a device on Windows)',
  ]
  const windowsHost: Host = { ...defaultHost, platform: 'win32' }
  const run = { merge: mergeOn, planMerge: planOn }
  for (const [what, on] of Object.entries(run)) {
    it(`are all listed by ${what}(), from directories, file maps and to, before anything changes`, async () => {
      const base = freshDir()
      const bad = { 'lib/aux.js': '', 'nul/deep/x': '', 'a:b': '', 'end.': '' }
      const tree = { 'lib/fine.js': '', ...(canMakeThem ? bad : {}) }
      const dir = writeTree(path.join(base, 'tree'), tree)
      const file = path.join(dir, 'lib/fine.js')
      const files = new Map([
        ['bin/com1', file],
        ['trailing /x', file],
        ['fine', file],
      ])
      const sources = [
        { name: 'tree', dir },
        { name: 'map', files },
        { name: 'place', dir, to: 'pkgs/lpt1.d', filter: (at: string) => at === 'fine' },
      ]
      const before = snapshot(base)
      const error = await failureOf(on(windowsHost, sources, path.join(base, 'dest')))
      assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
      assert.deepEqual(pathLines(error), [
        'map: bin/com1 (the name of a device on Windows)',
        'map: trailing /x (trailing dot or space on Windows)',
        'place: pkgs/lpt1.d (to: the name of a device on Windows)',
        ...(canMakeThem ? inTree : []),
      ])
      assert.deepEqual(snapshot(base), before)
      assert.deepEqual(stagingIn(base), [])
    })
  }
})

describe('symlinks of sources where dest is on Windows', () => {
  const problem = (target: string, platform: NodeJS.Platform = 'win32'): string | undefined =>
    symlinkProblem('contained', 'a/b', target, platform)

  it('stay inside dest by either separator', () => {
    for (const target of ['x', '..\\x', '..\\..\\x', '../..\\x', '.\\x\\y']) {
      assert.equal(problem(target), undefined, target)
    }
  })

  it('are refused where they leave it, by drive, root, share or too many ..', () => {
    const targets = ['C:\\x', 'c:x', 'D:/x', '\\x', '\\\\server\\share', '\\\\?\\C:\\x', '/x']
    for (const target of [...targets, '..\\..\\..\\x', 'x\\..\\..\\y']) {
      assert.notEqual(problem(target), undefined, target)
    }
  })

  it('keep a backslash as a part of the name elsewhere', () => {
    assert.equal(problem('..\\..\\..\\x', 'linux'), undefined)
    assert.equal(problem('C:\\x', 'linux'), undefined)
  })
})

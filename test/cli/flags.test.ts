import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import ts from 'typescript'

import { commands } from '../../lib/cli/commands'
import { inFlags } from '../../lib/cli/flags'
import { hints } from '../../lib/cli/hints'
import { messageOf } from '../../lib/cli/message'
import { makeProgram } from '../../lib/cli/program'
import { merge } from '../../lib/index'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { writeTree } from '../support/tree'

const lib = path.join(__dirname, '../../lib')

/** Every option of every command. */
function knownFlags(): Set<string> {
  const silent = { write: () => true } as unknown as NodeJS.WritableStream
  const context = {
    ...{ stdout: silent, stderr: silent, signal: new AbortController().signal },
    ...{ print: () => undefined, tell: () => undefined },
  }
  const program = makeProgram(context, () => undefined)
  assert.equal(program.commands.length, commands.length)
  return new Set(program.commands.flatMap(({ options }) => options.map(({ long }) => long ?? '')))
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z-]+/g)].map(([flag]) => flag)
}

/** The texts in the code of the library, without those of the command line: messages, and pieces of them. */
function* texts(): Generator<{ file: string; text: string }> {
  for (const name of fs.readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || /^(?:cli|bench)[/\\]/.test(name)) continue
    const code = fs.readFileSync(path.join(lib, name), 'utf8')
    const found: string[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) found.push(node.text)
      else if (ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) found.push(node.text)
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile(name, code, ts.ScriptTarget.Latest))
    for (const text of found) yield { file: name, text }
  }
}

describe('an option in a message of the library', () => {
  it('stands in backticks, which the command line replaces by its own option', () => {
    const flags = knownFlags()
    let seen = 0
    for (const { file, text } of texts()) {
      for (const [quoted] of text.matchAll(/`[^`]*`/g)) {
        if (/^`(?:reflink-merge|npm) /.test(quoted)) continue
        const shown = inFlags(quoted)
        const [flag = ''] = shown.split(' ')
        // Of a merge without a manifest no message names it.
        if (flag === '--modified' && !flags.has('--manifest')) continue
        assert.ok(flags.has(flag), `${file}: ${text}: ${shown}`)
        seen++
      }
    }
    assert.ok(seen >= 8, `${String(seen)} seen`)
  })

  it('stands nowhere without them', () => {
    const names = ['linkModes', 'preserveTimestamps', 'directoryClone', 'lock\\.timeout']
    const values = ['existing', 'conflicts', 'symlinks', 'specials', 'modified', 'durability']
    const bare = new RegExp(`\\b(?:${names.join('|')})\\b|\\b(?:${values.join('|')}): '`)
    for (const { file, text } of texts()) {
      const isMessage = text.includes(' ') && !/^options\./.test(text)
      if (isMessage) assert.doesNotMatch(text.replace(/`[^`]*`/g, ''), bare, file)
    }
  })

  for (const [api, cli] of [
    ["or have it stay by `existing: 'keep'`.", 'or have it stay by --existing keep.'],
    ['The option `existing` decides', '--existing decides'],
    ['raise the option `lock.timeout` to wait longer', 'raise --lock-timeout to wait longer'],
    ['leave others out with `filter`', 'leave others out with --exclude'],
    ['options.prune requires options.manifest', '--prune requires --manifest'],
    ["options.manifest must be inside dest: '/a' is", "--manifest must be inside dest: '/a' is"],
    ['sources[1].name "a" is not unique', 'the source "a" is given twice'],
    // Paths and commands stay as they are.
    ['existing: different in a, b', 'existing: different in a, b'],
    ["open '/x/options.lock'", "open '/x/options.lock'"],
    ['Run `reflink-merge recover` on dest', 'Run `reflink-merge recover` on dest'],
  ] as const)
    it(`is on the command line: ${cli}`, () => {
      assert.equal(inFlags(api), cli)
    })

  it('is also replaced in what an error tells that is only listed', async () => {
    const base = writeTree(freshDir(), { 'a/x': 'a', 'dest/x/y': '' })
    const sources = [{ name: 'a', dir: path.join(base, 'a') }]
    const dest = path.join(base, 'dest')
    const error = await failureOf(merge(sources, dest, { existing: 'replace' }))
    assert.match(error.message, /`existing: 'keep'`/)
    assert.match(messageOf(error), / --existing keep\.$/)
  })
})

describe('a hint of the command line', () => {
  it('names options that a command has, and none of the API', () => {
    const flags = knownFlags()
    let seen = 0
    for (const { code, means, next } of hints) {
      const text = `${means}; ${next}`
      for (const flag of flagsIn(text)) {
        assert.ok(flags.has(flag), `${code}: ${flag}`)
        seen++
      }
      assert.equal(inFlags(text), text, code)
      assert.doesNotMatch(text, /linkModes|lock\.timeout|: '\w+'/, code)
    }
    assert.ok(seen >= 8, `${String(seen)} seen`)
  })
})

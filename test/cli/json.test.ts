import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020'
import { abandonedIn } from '../support/abandoned'
import { cli } from '../support/cli'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { itWith } from '../support/needs'
import { writeTree } from '../support/tree'
import type { MergeResult, RemoveResult } from '../../lib/types'
import { commands } from '../../lib/cli/commands'
import { makeProgram } from '../../lib/cli/program'

const folder = path.join(__dirname, '..', '..', 'schemas')
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  allErrors: true,
  allowUnionTypes: true,
})

function schemaOf(name: string): ValidateFunction {
  const text = fs.readFileSync(path.join(folder, `${name}.json`), 'utf8')
  const schema = JSON.parse(text) as { $id: string }
  return ajv.getSchema(schema.$id) ?? ajv.compile(schema)
}

function problemsOf(name: string, value: unknown): string[] {
  const validate = schemaOf(name)
  validate(value)
  return (validate.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath} ${String(message)}`,
  )
}

/** What a command prints with --json, which must be as its schema says. */
async function valid(code: number, command: string, ...args: string[]): Promise<unknown> {
  const result = await cli(command, '--json', ...args)
  assert.equal(result.code, code, result.stderr)
  const value: unknown = JSON.parse(result.stdout)
  assert.deepEqual(problemsOf(command, value), [])
  return value
}

describe('what --json prints is as its schema says', () => {
  describeOn(['btrfs', 'tmpfs'], (volume) => {
    it('of merge and plan, with conflicts and fallbacks; of probe', async () => {
      const dir = volume.fresh()
      const [a, b, dest] = ['a', 'b', 'dest'].map((name) => path.join(dir, name)) as [
        string,
        string,
        string,
      ]
      writeTree(a, { x: 'a', 'd/y': 'y', link: { symlink: 'x' } })
      writeTree(b, { x: 'b', 'd/y': 'y', z: Buffer.alloc(20_000) })
      writeTree(dest, { z: 'mine' })
      const policies = ['--conflicts', 'last', '--existing', 'keep']
      await valid(1, 'plan', a, b, dest)
      await valid(0, 'plan', ...policies, a, b, dest)
      const plan = await cli('merge', '--dry-run', '--json', ...policies, a, b, dest)
      assert.deepEqual(problemsOf('plan', JSON.parse(plan.stdout)), [])
      assert.deepEqual(fs.readdirSync(dest), ['z'])
      await valid(0, 'merge', ...policies, a, b, dest)
      await valid(0, 'probe', b, dest)
    })
  })

  it('of sync, remove and verify, with what somebody had changed', async () => {
    const dir = freshDir()
    const [a, b, dest] = ['a', 'b', 'dest'].map((name) => path.join(dir, name)) as [
      string,
      string,
      string,
    ]
    writeTree(a, { x: 'a', 'd/y': 'y', 'd/z': 'z' })
    writeTree(b, { x: 'b', link: { symlink: 'x' } })
    writeTree(dest, { 'd/z': 'z' })
    const list = writeTree(dir, {
      list: `[{ "name": "a", "dir": "a", "digest": "1" }, { "name": "b", "dir": "b", "exact": false }]`,
    })
    const sync = ['--sources', path.join(list, 'list'), '--conflicts', 'first', dest]
    await valid(0, 'sync', ...sync)
    await valid(0, 'verify', '--bytes', '--foreign', dest)
    fs.writeFileSync(path.join(dest, 'd/y'), 'mine')
    fs.writeFileSync(path.join(dest, 'd/more'), 'mine')
    fs.rmSync(path.join(dest, 'link'))
    await valid(1, 'verify', '--foreign', dest)
    await valid(0, 'sync', ...sync, '--modified', 'keep')
    const dryRun = await cli('remove', dest, 'a', '--dry-run', '--json')
    assert.deepEqual(problemsOf('remove-plan', JSON.parse(dryRun.stdout)), [])
    const removed = (await valid(0, 'remove', dest, 'a')) as RemoveResult
    assert.deepEqual(
      removed.kept.map(({ path: at, how }) => `${at} ${how}`),
      ['d/y content', 'd/z found'],
    )
    assert.deepEqual(removed.uncovered, [{ path: 'x', source: 'b' }])
    await valid(0, 'plan', '--manifest', '--prune', '--conflicts', 'first', b, dest)
    const plan = await cli('sync', '--dry-run', '--json', b, dest)
    assert.deepEqual(problemsOf('plan', JSON.parse(plan.stdout)), [])
  })

  it('of sync as of merge', () => {
    const [merge, sync] = ['merge', 'sync'].map((name) => {
      const text = fs.readFileSync(path.join(folder, `${name}.json`), 'utf8')
      return { ...(JSON.parse(text) as object), $id: '', title: '' }
    })
    assert.deepEqual(sync, merge)
  })

  it('of merge and plan, with what was skipped', async () => {
    const a = writeTree(path.join(freshDir(), 'a'), { x: 'x', pipe: { fifo: true } })
    const dest = path.join(freshDir(), 'dest')
    for (const command of ['plan', 'merge']) {
      const { sources } = (await valid(0, command, '--specials', 'skip', a, dest)) as MergeResult
      assert.deepEqual(sources[0]?.skipped, ['pipe'])
    }
  })

  itWith('locks', 'of recover, with what was removed and what was left', async () => {
    const dest = writeTree(freshDir(), { mine: 'm' })
    await abandonedIn(dest, '0'.repeat(16), '', { 'new/half': 'h' })
    const record = '{"version":99,"intents":[],"holding":[]}'
    await abandonedIn(dest, '1'.repeat(16), '-begun', { 'journal/0': record })
    fs.mkdirSync(path.join(dest, `.reflink-merge-${'2'.repeat(16)}`))
    fs.writeFileSync(path.join(dest, `.reflink-merge-${'2'.repeat(16)}`, 'file'), 'of a package')
    await valid(2, 'recover', dest)
  })

  it('and every command with --json has one, which is shipped', () => {
    const silent = { write: () => true } as unknown as NodeJS.WritableStream
    const context = {
      ...{ stdout: silent, stderr: silent, signal: new AbortController().signal },
      ...{ print: () => undefined, tell: () => undefined },
    }
    const program = makeProgram(context, () => undefined)
    const withJson = program.commands.filter(({ options }) =>
      options.some(({ long }) => long === '--json'),
    )
    assert.ok(withJson.length >= 4 && withJson.length < commands.length)
    for (const command of withJson) schemaOf(command.name())
    const file = path.join(folder, '..', 'package.json')
    const { files } = JSON.parse(fs.readFileSync(file, 'utf8')) as { files: string[] }
    assert.ok(files.includes('schemas'))
  })

  it('and a schema refuses what is missing, and what it does not know', async () => {
    const a = writeTree(path.join(freshDir(), 'a'), { x: 'x' })
    const plan = (await valid(0, 'plan', a, path.join(freshDir(), 'd'))) as object
    assert.deepEqual(problemsOf('plan', { ...plan, more: 1 }), [
      ' must NOT have additional properties',
    ])
    assert.deepEqual(problemsOf('plan', { ...plan, files: '1' }), ['/files must be integer'])
    assert.deepEqual(problemsOf('plan', { ...plan, bytes: undefined }).length, 1)
  })
})

describe('the schema of --sources', () => {
  it('takes what the command line takes, and nothing else', () => {
    const good = [
      { name: 'a', dir: 'a', to: '@s/a' },
      { name: 'b', files: { 'x.js': 'store/1' } },
      { name: 'c', dir: 'c', digest: '1', exact: { keep: ['node_modules'] } },
    ]
    assert.deepEqual(problemsOf('sources', good), [])
    for (const bad of [
      {},
      [{ name: 'a' }],
      [{ name: 'a', dir: 'a', files: {} }],
      [{ dir: 'a' }],
      [{ name: 'a', dir: 'a', filter: 'x' }],
      [{ name: 'a', files: { x: 1 } }],
      [{ name: 'a', dir: 'a', digest: 1 }],
      [{ name: 'a', dir: 'a', exact: {} }],
    ])
      assert.notDeepEqual(problemsOf('sources', bad), [], JSON.stringify(bad))
  })
})

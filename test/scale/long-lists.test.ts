import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { merge } from '../../lib'
import { append } from '../../lib/append'
import { defaultHost } from '../../lib/host'
import type { Host, PairJob } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import { Rivals } from '../../lib/plan/rivals'
import { freshDir } from '../support/fresh'

// More than the stack has room for arguments.
const many = 300_000

function writeFiles(dir: string, count: number, textOf: (index: number) => string): string {
  fs.mkdirSync(dir, { recursive: true })
  for (let index = 0; index < count; index++)
    fs.writeFileSync(path.join(dir, `f${String(index)}`), textOf(index))
  return dir
}

/** A host that counts the calls of some operations, and the names in them. */
function counting(host: Host): {
  host: Host
  calls: Map<string, number>
  names: Map<string, number>
} {
  const calls = new Map<string, number>()
  const names = new Map<string, number>()
  const count = (operation: string, jobs: readonly Pick<PairJob, 'names'>[]): void => {
    calls.set(operation, (calls.get(operation) ?? 0) + 1)
    const more = jobs.reduce((sum, job) => sum + job.names.length, 0)
    names.set(operation, (names.get(operation) ?? 0) + more)
  }
  return {
    calls,
    names,
    host: {
      ...host,
      compare: (jobs) => (count('compare', jobs), host.compare(jobs)),
      hardlink: (jobs) => (count('hardlink', jobs), host.hardlink(jobs)),
      rename: (jobs, replace) => (count('rename', jobs), host.rename(jobs, replace)),
      open: (place) => (count('open', []), host.open(place)),
      tryLock: (directory) => {
        const number = host.tryLock(directory)
        if (number !== 0) count('lock refused', [])
        return number
      },
    },
  }
}

describe('very many', () => {
  it('items are added to a list', () => {
    const list: number[] = []
    append(list, new Array<number>(many).fill(1))
    assert.equal(list.length, many)
  })

  it('pairs are asked at once whether one differs in both', () => {
    const rivals = new Rivals<number, string>()
    assert.equal(rivals.hasOther(1, 'a'), false)
    rivals.add(1, 'a')
    rivals.add(1, 'b')
    rivals.add(2, 'a')
    assert.equal(rivals.hasOther(1, 'a'), false)
    assert.equal(rivals.hasOther(2, 'b'), true)
    assert.equal(rivals.hasOther(2, 'a'), true)
    assert.equal(rivals.hasOther(3, 'a'), true)
    assert.equal(rivals.hasOtherFirst(1), true)
  })

  it('different files of one size at one path take comparisons in proportion', async () => {
    const base = freshDir()
    const sources = Array.from({ length: 60 }, (_, index) => ({
      name: `s${String(index)}`,
      dir: writeFiles(path.join(base, String(index)), 1, () => String(index % 59).padStart(8)),
    }))
    const { host, names } = counting(defaultHost)
    const result = await mergeOn(host, sources, path.join(base, 'dest'), { conflicts: 'last' })
    assert.equal(result.sources[0]?.lost.length, 0)
    assert.equal(result.sources[1]?.lost.length, 1)
    assert.ok((names.get('compare') ?? 0) < 4 * sources.length)
  })

  it('replacements take calls for hundreds at a time, and leave what was refused as it was', async () => {
    const base = freshDir()
    const dir = writeFiles(path.join(base, 'source'), 600, () => 'new')
    const dest = writeFiles(path.join(base, 'dest'), 600, () => 'older')
    const { host, calls } = counting(defaultHost)
    const result = await mergeOn(host, [{ name: 'a', dir }], dest, { existing: 'replace' })
    assert.equal(result.replaced, 600)
    assert.ok((calls.get('hardlink') ?? 0) < 20)
    assert.ok((calls.get('rename') ?? 0) < 20)
    assert.equal(fs.readFileSync(path.join(dest, 'f599'), 'utf8'), 'new')
    assert.equal(fs.statSync(path.join(dest, 'f0')).nlink, 1)
  })

  it('merges at once into one dest neither poll for its lock nor look into each other', async () => {
    const base = freshDir()
    const dest = path.join(base, 'dest')
    fs.mkdirSync(dest)
    const opensOf = async (count: number): Promise<number> => {
      const { host, calls } = counting(defaultHost)
      const merges = Array.from({ length: count }, (_, index) => {
        const name = `${String(count)}-${String(index)}`
        const dir = writeFiles(path.join(base, name), 1, () => name)
        return mergeOn(host, [{ name, dir, to: name }], dest)
      })
      await Promise.all(merges)
      assert.equal(calls.get('lock refused') ?? 0, host.kind === 'native' ? 0 : 2 * count)
      return (calls.get('open') ?? 0) / count
    }
    assert.equal(await opensOf(40), await opensOf(2))
  })

  it('files that two sources have alike take time in proportion', async function () {
    this.timeout(120_000)
    const base = freshDir()
    const file = path.join(base, 'file')
    fs.writeFileSync(file, 'text')
    const timeOf = async (count: number): Promise<number> => {
      const files = new Map(
        Array.from({ length: count }, (_, index) => [`f${String(index)}`, file]),
      )
      const before = process.cpuUsage()
      const sources = ['a', 'b'].map((name) => ({ name, files }))
      const dest = path.join(base, String(count))
      await merge([...sources], dest, { linkModes: 'hardlink' })
      const { user } = process.cpuUsage(before)
      return user
    }
    await timeOf(500)
    const few = await timeOf(4000)
    // Of this thread alone, so that other processes do not count.
    assert.ok((await timeOf(16_000)) < 10 * few)
  })
})

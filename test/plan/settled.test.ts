import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { defaultHost } from '../../lib/host'
import { identityLength, type Host } from '../../lib/host/host'
import type { MergeResult } from '../../lib/index'
import { mergeOn } from '../../lib/merge'
import { Seen } from '../../lib/plan/seen'
import { withDate } from '../support/clock'
import { freshDir } from '../support/fresh'
import { nameByName } from '../support/name-by-name'
import { itWith } from '../support/needs'
import { stored } from '../support/session'
import { assertTree } from '../support/snapshot'
import { writeTree } from '../support/tree'

const byName = nameByName(defaultHost)
const spec = { 'ns/a': 'a', 'ns/b': 'b', 'ns/below/c': 'c' }

describe('a directory of dest that holds all that is wanted', () => {
  let dest: string
  let expected: string
  let sources: ReturnType<typeof stored>
  beforeEach(() => {
    const base = freshDir()
    dest = path.join(base, 'dest')
    expected = writeTree(path.join(base, 'expected'), spec)
    sources = stored(base, { one: spec })
    writeTree(dest, spec)
  })

  /** When the first of what dest holds has changed last, in ms since 1970. */
  function firstChange(): number {
    const entries = fs.readdirSync(dest, { recursive: true, encoding: 'utf8' })
    return Math.min(...entries.map((entry) => fs.lstatSync(path.join(dest, entry)).ctimeMs))
  }

  /**
   * Merges; does something between the two looks. Answers also the names that were asked for at the second, and whether
   * trees were, with their bytes or without.
   */
  async function merge(
    between: () => void,
    system: Host,
  ): Promise<MergeResult & { again: string[]; trees: boolean[] }> {
    const again: string[] = []
    const trees: boolean[] = []
    let isLocked = false
    const { matchTrees } = system
    const host: Host = {
      ...system,
      ...(matchTrees && {
        matchTrees: (jobs, bytes, own) => {
          if (isLocked) trees.push(bytes)
          return matchTrees(jobs, bytes, own)
        },
      }),
      tryLock(directory) {
        if (directory.path === dest) {
          between()
          isLocked = true
        }
        return defaultHost.tryLock(directory)
      },
      stat(jobs) {
        // But for the names under which merges that were killed are looked for.
        const names = jobs.flatMap((job) => job.names)
        if (isLocked) again.push(...names.filter((name) => !name.startsWith('.reflink-merge-')))
        return defaultHost.stat(jobs)
      },
    }
    return { ...(await mergeOn(host, sources, dest, { existing: 'replace' })), again, trees }
  }

  it('is asked for its subdirectories only under the lock, where it was at rest', async () => {
    await sleep(200)
    const { again, unchanged } = await merge(() => undefined, byName)
    assert.equal(unchanged, 3)
    const entries = ['a', 'b', 'c']
    assert.deepEqual(
      again.filter((name) => entries.includes(name)),
      [],
    )
    assert.ok(again.includes('below'))
  })

  it('is asked for every entry again where it had just changed', async () => {
    const { again, unchanged } = await withDate(firstChange(), () => merge(() => undefined, byName))
    assert.equal(unchanged, 3)
    assert.ok(['a', 'b', 'below', 'c'].every((name) => again.includes(name)))
  })

  itWith(
    'trees',
    'is asked as a whole for its directories only, where it was at rest',
    async () => {
      await sleep(200)
      const { again, trees, unchanged, bytes } = await merge(() => undefined, defaultHost)
      assert.deepEqual([unchanged, bytes], [3, 3])
      // Itself, and in the other case.
      assert.deepEqual(again, ['ns', 'NS'])
      assert.deepEqual(trees, [false])
    },
  )

  itWith('steps', 'is read as a whole again where it had just changed', async () => {
    const { again, trees, unchanged } = await withDate(firstChange(), () =>
      merge(() => undefined, defaultHost),
    )
    assert.equal(unchanged, 3)
    // Itself, and in the other case.
    assert.deepEqual(again, ['ns', 'NS'])
    assert.deepEqual(trees, [false, true])
  })

  const changes: Readonly<
    Record<string, { change: () => void; created: number; replaced: number }>
  > = {
    'an entry is lost': {
      change: () => {
        fs.rmSync(path.join(dest, 'ns/below/c'))
      },
      created: 1,
      replaced: 0,
    },
    'another file takes the place of an entry': {
      change() {
        fs.writeFileSync(path.join(dest, 'other'), 'x')
        fs.renameSync(path.join(dest, 'other'), path.join(dest, 'ns/b'))
      },
      created: 0,
      replaced: 1,
    },
    'another directory takes its place': {
      change() {
        fs.renameSync(path.join(dest, 'ns'), path.join(path.dirname(dest), 'lost'))
        writeTree(dest, { 'ns/a': 'a' })
      },
      created: 2,
      replaced: 0,
    },
  }
  for (const [what, { change, created, replaced }] of Object.entries(changes))
    for (const [how, host] of [
      ['as a whole', defaultHost],
      ['name by name', byName],
    ] as const)
      it(`is mended where, between the looks, ${what} (looked for ${how})`, async () => {
        await sleep(200)
        const result = await merge(change, host)
        assert.deepEqual([result.created, result.replaced], [created, replaced])
        assertTree(dest, expected)
      })
})

describe('what was seen of an entry', () => {
  const seen = (ctime: bigint, at: number): Seen => {
    const identity = new BigUint64Array(identityLength)
    identity.set([1n, 2n, 3n, ctime])
    return new Seen(identity, at)
  }
  const at = 1_700_000_000_000
  const now = BigInt(at) * 1_000_000n

  it('was at rest if its last change was long before', () => {
    assert.equal(seen(now - 200_000_001n, at).wasAtRest(0), true)
  })

  it('was not, if another change could have the same time', () => {
    assert.equal(seen(now - 50_000_001n, at).wasAtRest(0), false)
    assert.equal(seen(now + 5_000_000_001n, at).wasAtRest(0), false)
  })

  it('was not, where the file system may keep whole seconds only', () => {
    assert.equal(seen(now - 5_000_000_000n, at).wasAtRest(0), false)
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { eachName, joinPath, pathOf, type Host, type Place } from '../../lib/host/host'
import type { Conflict, LinkMode, Source } from '../../lib/index'
import { mergeOn, planOn } from '../../lib/merge'
import { lookAlikes } from '../../lib/plan/lookalikes'
import { Session } from '../../lib/session'
import { isThorough, sampled } from '../support/long'
import { nameByName } from '../support/name-by-name'
import { onBothHosts } from '../support/both-hosts'
import { describeOn } from '../support/describe-on'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { asNobody } from '../support/nobody'
import { mutating } from '../support/scripted-host'
import { failpoints } from '../support/failpoints'
import { failWith, recordingHost } from '../support/scripts'
import { runTool } from '../support/tool'
import { writeTree, type TreeNode, type TreeSpec } from '../support/tree'
import { orSkip } from '../support/unrunnable'
import { makeVolume, MiB } from '../support/volumes'

type Names = readonly [string, string]

const names: readonly Names[] = [
  ['Foo', 'foo'],
  ['É', 'é'],
  ['Σ', 'ς'],
  ['ß', 'ss'],
  ['é', 'e\u0301'],
  ['\u212a', 'k'], // the Kelvin sign
  ['\u212a', 'K'],
  ['K', 'k'],
  ['ﬁ', 'fi'],
  ['dot', 'dot.'],
  ['dots', 'dots...'],
  ['space', 'space '],
  ['joined', 'join\u200ded'],
  ['𐐀', '𐐨'], // two units each in UTF-16
]

/** File systems that this machine has not got: same result, same name. */
const tables: Record<string, (name: string) => string> = {
  'as on APFS': (name) => name.normalize('NFD').toUpperCase().normalize('NFD').toLowerCase(),
  'as on ZFS with normalization alone': (name) => name.normalize('NFD'),
  'as on Windows': (name) => name.toLowerCase().replace(/[. ]+$/, ''),
  'as on HFS+': (name) => name.replaceAll('\u200d', '').normalize('NFD').toLowerCase(),
}

/** Everything below `dir`: '/'-joined path → bytes; null for a directory. Modes do not matter: exfat has none. */
function held(dir: string): Record<string, string | null> {
  const entries = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    entries.map((entry) => {
      const at = path.join(dir, entry)
      return [entry, fs.lstatSync(at).isDirectory() ? null : fs.readFileSync(at, 'utf8')]
    }),
  )
}

/** Sources s0, s1 … on a file system on which all names are different ones. */
function store(...trees: TreeSpec[]): Source[] {
  const base = freshDir()
  return trees.map((tree, index) => {
    const name = `s${String(index)}`
    return { name, dir: writeTree(path.join(base, name), tree) }
  })
}

function destIn(dir: string, spec: TreeSpec = {}): string {
  return writeTree(fs.mkdtempSync(path.join(dir, 'dest-')), spec)
}

const cannotClone: NonNullable<Host['cloneDirectory']> = (jobs) =>
  Promise.resolve({
    errnos: Int32Array.from(
      jobs.flatMap(({ names }) => names),
      () => errno.ENOTSUP,
    ),
    syscall: () => 'clonefile',
  })

/**
 * A host on a file system that takes names for one where `fold` gives the same for both: they are found in
 * any spelling, and listed in the one in which they were made. Only dest is there, sources are elsewhere.
 */
function folding(host: Host, fold: (name: string, dir: string) => string): Host {
  const asListed = ({ base, path: at }: Place, name: string): string => {
    const dir = pathOf({ base, path: at })
    if (typeof base === 'string' || !fs.existsSync(dir) || !fs.statSync(dir).isDirectory()) {
      return name
    }
    const listed = fs.readdirSync(dir)
    if (listed.includes(name)) return name
    return listed.find((other) => fold(other, dir) === fold(name, dir)) ?? name
  }
  const found = (place: Place): Place => ({
    base: place.base,
    path: place.path
      .split('/')
      .reduce(
        (above, name) => joinPath(above, asListed({ base: place.base, path: above }, name)),
        '',
      ),
  })
  type Job = { to: Place; names: readonly string[]; from?: Place; toNames?: readonly string[] }
  const foundJob = <J extends Job>(job: J): J => {
    const to = found(job.to)
    const inDest = (list: readonly string[]): string[] => list.map((name) => asListed(to, name))
    if (job.from === undefined) return { ...job, to, names: inDest(job.names) }
    const from = found(job.from)
    const own = job.names.map((name) => asListed(from, name))
    return { ...job, to, from, names: own, toNames: inDest(job.toNames ?? job.names) }
  }
  /** One name after the other, since each may be in the way of the next. */
  const oneByOne =
    <J extends Job, A extends unknown[]>(
      operation: (jobs: readonly J[], ...rest: A) => ReturnType<Host['rename']>,
    ) =>
    async (jobs: readonly J[], ...rest: A): ReturnType<Host['rename']> => {
      const errnos: number[] = []
      const syscalls: string[] = []
      for (const { job, position } of eachName(jobs)) {
        const part = Object.entries(job).map(([key, value]: [string, unknown]) => {
          const isList = Array.isArray(value) || value instanceof Uint32Array
          return [key, isList ? value.slice(position, position + 1) : value]
        })
        const one = foundJob(Object.fromEntries(part) as J)
        const outcomes = await operation([one], ...rest)
        errnos.push(outcomes.errnos[0] ?? 0)
        syscalls.push(outcomes.syscall(0))
      }
      return { errnos: Int32Array.from(errnos), syscall: (index) => syscalls[index] ?? '' }
    }
  return {
    ...nameByName(host),
    open: (place) => host.open(found(place)),
    list: (places) => host.list(places.map(found)),
    stat: (jobs) => host.stat(jobs.map(foundJob)),
    identify: (jobs) => host.identify(jobs.map(foundJob)),
    compare: (jobs) => host.compare(jobs.map(foundJob)),
    clone: oneByOne((jobs, options) => host.clone(jobs, options)),
    // A clone stays on its file system, where no directory could hold two such names.
    ...(host.cloneDirectory && { cloneDirectory: cannotClone }),
    hardlink: oneByOne((jobs) => host.hardlink(jobs)),
    copy: oneByOne((jobs, options) => host.copy(jobs, options)),
    symlink: oneByOne((jobs) => host.symlink(jobs)),
    mkdir: oneByOne((jobs, exact) => host.mkdir(jobs, exact)),
    chmod: oneByOne((jobs) => host.chmod(jobs)),
    copyTimes: oneByOne((jobs) => host.copyTimes(jobs)),
    rename: oneByOne((jobs, replace) => host.rename(jobs, replace)),
    exchange: oneByOne((jobs) => host.exchange(jobs)),
    unlink: oneByOne((jobs) => host.unlink(jobs)),
    rmdir: oneByOne((jobs) => host.rmdir(jobs)),
  }
}

/** What a merge of two sources, with one name each of every pair, must tell and leave where some `areOne` entry. */
async function checkPairs(
  host: Host,
  dir: string,
  areOne: (pair: Names) => boolean,
): Promise<void> {
  const tree = (which: 0 | 1): TreeSpec => {
    const entries = names.flatMap((pair, index): [string, TreeNode][] => {
      const name = `${String(index)}/${pair[which]}`
      return [
        [`files/${name}`, { data: String(which), mode: 0o777 }],
        [`dirs/${name}/in-${String(which)}`, { data: 'x', mode: 0o777 }],
      ]
    })
    return Object.fromEntries(entries)
  }
  const sources = store(tree(0), tree(1))
  const conflicts = (winner: 0 | 1 | null): Conflict[] => {
    const all = ['files', 'dirs'].flatMap((folder) =>
      names.flatMap((pair, index): Conflict[] => {
        const paths = pair.map((name) => `${folder}/${String(index)}/${name}`)
        const conflict: Conflict = {
          ...{ path: paths[winner ?? 0] ?? '', kind: 'case', sources: ['s0', 's1'] },
          ...{ winner: winner === null ? null : `s${String(winner)}`, paths: paths.sort() },
        }
        return areOne(pair) ? [conflict] : []
      }),
    )
    return all.sort((a, b) => (a.path < b.path ? -1 : 1))
  }
  const dest = destIn(dir)
  const undecided = conflicts(null)
  assert.deepEqual((await planOn(host, sources, dest)).conflicts, undecided)
  if (undecided.length > 0) {
    const error = await failureOf(mergeOn(host, sources, dest))
    assert.deepEqual(error.conflicts, undecided)
  }
  assert.deepEqual(held(dest), {})
  for (const winner of [0, 1] as const) {
    const into = destIn(dir)
    const policy = winner === 0 ? 'first' : 'last'
    const result = await mergeOn(host, sources, into, { conflicts: policy })
    assert.deepEqual(result.conflicts, conflicts(winner))
    const expected: Record<string, string> = {}
    for (const [index, pair] of names.entries())
      for (const which of areOne(pair) ? [winner] : [0, 1]) {
        const name = `${String(index)}/${pair[which] ?? ''}`
        expected[`files/${name}`] = String(which)
        expected[`dirs/${name}/in-${String(which)}`] = 'x'
      }
    const files = Object.entries(held(into)).filter(([, data]) => data !== null)
    assert.deepEqual(Object.fromEntries(files), expected)
  }
}

describe('lookAlikes', () => {
  it('finds names that some file system might take for one', () => {
    for (const pair of names) assert.deepEqual(lookAlikes([pair[0], 'other', pair[1]]), [[...pair]])
  })

  it('finds every character beside its other cases and compositions', () => {
    const forms = (text: string): string[] => [
      ...[text.toUpperCase(), text.toLowerCase(), text.normalize('NFC'), text.normalize('NFD')],
      ...[text.normalize('NFKC'), text.normalize('NFKD')],
    ]
    const missed: string[] = []
    for (let code = 1; code < 0x30000; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const name = `a${String.fromCodePoint(code)}b`
      for (const form of forms(name))
        if (form !== name && lookAlikes([name, form]).length === 0) missed.push(code.toString(16))
    }
    assert.deepEqual(missed, [])
  })

  it('groups all that look alike, in the order given', () => {
    const given = ['b', 'Foo', 'ß', 'FOO', 'x', 'SS', 'foo', 'ss.']
    assert.deepEqual(lookAlikes(given), [
      ['Foo', 'FOO', 'foo'],
      ['ß', 'SS', 'ss.'],
    ])
  })

  it('leaves other names alone', () => {
    const given = ['a', 'b', 'ab', 'a.b', 'a b', '.a', ' a', 'á', 'à', 'ä', 'ae', 'a-b', 'o', '0']
    assert.deepEqual(lookAlikes(given), [])
    assert.deepEqual(lookAlikes(['a']), [])
    assert.deepEqual(lookAlikes([]), [])
  })
})

describe('names that look alike', function () {
  const volumes = isThorough
    ? (['ext4', 'btrfs', 'tmpfs', 'exfat'] as const)
    : (['btrfs', 'exfat'] as const)
  describeOn(volumes, (volume) => {
    onBothHosts((host) => {
      it('are a conflict where plain node:fs finds one entry, and else are different files', async () => {
        const dir = volume.fresh()
        const areOne = ([a, b]: Names): boolean => {
          const room = destIn(dir, { [a]: '' })
          return fs.existsSync(path.join(room, b))
        }
        assert.equal(areOne(['Foo', 'foo']), volume.kind === 'exfat')
        await checkPairs(host, dir, areOne)
      })
    })
  })

  for (const [what, fold] of Object.entries(tables)) {
    it(`are a conflict where a file system takes them for one ${what}`, () =>
      checkPairs(folding(defaultHost, fold), freshDir(), ([a, b]) => fold(a) === fold(b)))

    it(`are a conflict with what dest spells otherwise ${what}`, async () => {
      const host = folding(defaultHost, fold)
      for (const [old, wanted] of [...names, ...names.map(([a, b]) => [b, a] as const)]) {
        // Where case counts, names in ASCII are not looked up: the Kelvin sign is then told as `existing`.
        if (fold(old) !== fold(wanted) || (wanted === 'K' && fold('k') !== fold('K'))) continue
        const dest = destIn(freshDir(), { [`in/${old}`]: 'old' })
        const sources = store({ [`in/${wanted}`]: 'new' })
        const { conflicts } = await planOn(host, sources, dest)
        const paths = [`in/${old}`, `in/${wanted}`].sort()
        assert.deepEqual(
          conflicts.map((conflict) => [conflict.kind, conflict.path, conflict.paths]),
          [['case', `in/${wanted}`, paths]],
        )
        await mergeOn(host, sources, dest, { existing: 'replace' })
        assert.deepEqual(held(dest), { in: null, [`in/${wanted}`]: 'new' })
      }
    })
  }
})

it('case may count in one directory of dest and not in the next', async () => {
  // As on ext4 and NTFS, where it is an attribute of the directory.
  const host = folding(defaultHost, (name, dir) =>
    dir.includes('/folded') ? name.toLowerCase() : name,
  )
  const there = { 'a/File': 'x', 'folded/File': 'x', 'z/File': 'x' }
  const wanted = { 'a/File': 'x', 'a/FILE': 'y', 'folded/FILE': 'x', 'z/File': 'x', 'z/file': 'y' }
  const dest = destIn(freshDir(), there)
  const { conflicts } = await planOn(host, store(wanted), dest)
  assert.deepEqual(
    conflicts.map(({ paths }) => paths),
    [['folded/FILE', 'folded/File']],
  )
  const { created } = await mergeOn(host, store(wanted), dest, { existing: 'keep' })
  assert.equal(created, 2)
})

describe('names that no table would take for one, and dest does', () => {
  const host = folding(defaultHost, (name) => (name === 'q' ? 'a' : name))

  const trees: Record<string, [TreeSpec, TreeSpec]> = {
    'two files': [{ 'in/a': '1' }, { 'in/q': '2' }],
    'two files alike': [{ 'in/a': 'x' }, { 'in/q': 'x' }],
    'two directories': [{ 'in/a/1': '' }, { 'in/q/2': '' }],
    'two directories at the top': [{ 'a/1': '' }, { 'q/2': '' }],
    'a file and a directory': [{ 'in/a': '1' }, { 'in/q/2': '' }],
    'a directory and a file': [{ 'in/a/1': '' }, { 'in/q': '2' }],
    'two symlinks': [{ 'in/a': { symlink: 'x' } }, { 'in/q': { symlink: 'y' } }],
  }
  for (const [turn, [what, [one, two]]] of Object.entries(trees).entries())
    it(`fail the merge, with dest as it was: ${what}`, async () => {
      const given = [store(one, two), store(two, one), store({ ...one, ...two })]
      const modes: LinkMode[][] = [['clone', 'copy'], ['hardlink'], ['symlink']]
      const cases = given.flatMap((sources) =>
        modes.flatMap((linkModes) =>
          [true, false].map((isMissing) => ({ sources, linkModes, isMissing })),
        ),
      )
      for (const { sources, linkModes, isMissing } of sampled(cases, 5, turn)) {
        const dir = destIn(freshDir(), { mine: 'mine' })
        const dest = isMissing ? path.join(dir, 'missing/dest') : dir
        const options = { linkModes, conflicts: 'last' as const }
        const inSession = async (): Promise<unknown> => {
          const session = await Session.open(host, dest, options)
          for (const source of sources) await session.add(source).catch(() => undefined)
          return session.commit()
        }
        for (const merge of [() => mergeOn(host, sources, dest, options), inSession]) {
          const { code, conflicts } = await failureOf(merge())
          if (code === 'EEXIST') continue
          assert.equal(code, 'ERR_MERGE_CONFLICT')
          assert.deepEqual(
            conflicts?.map(({ kind }) => kind),
            ['case'],
          )
        }
        assert.deepEqual(held(dir), { mine: 'mine' })
      }
    })

  it('never take from dest what it holds, unless it is to be replaced', async () => {
    for (const linkModes of [['clone', 'copy'], ['hardlink']] as LinkMode[][]) {
      const sources = store({ q: 'new', 'in/q/new': 'new' })
      const before = { a: 'old', 'in/a/mine': 'mine' }
      const after = { in: null, 'in/a': null, 'in/a/mine': 'mine', 'in/a/new': 'new' }
      const dest = destIn(freshDir(), before)
      const unchanged = held(dest)
      const error = await failureOf(mergeOn(host, sources, dest, { linkModes }))
      assert.equal(error.code, 'ERR_MERGE_CONFLICT')
      assert.deepEqual(held(dest), unchanged)
      const { conflicts } = await mergeOn(host, sources, dest, { linkModes, existing: 'keep' })
      assert.deepEqual(
        conflicts.map((conflict) => conflict.path),
        ['q'],
      )
      assert.deepEqual(held(dest), { a: 'old', ...after })
      await mergeOn(host, sources, dest, { linkModes, existing: 'replace' })
      assert.deepEqual(held(dest), { a: 'new', ...after })
    }
  })

  it('are put back after a failure anywhere, if in the new spelling', async () => {
    const sources = store({ q: 'new', 'in/q': 'new', 'in/z': 'new' })
    const spelled = (dest: string): [string, string | null][] =>
      Object.entries(held(dest))
        .map(([at, data]): [string, string | null] => [at.replace(/q$/, 'a'), data])
        .sort()
    for (let n = 1; ; n++) {
      const dest = destIn(freshDir(), { a: 'old', 'in/a': 'old', 'in/z': 'old' })
      const before = spelled(dest)
      const script = failpoints(host, n, ({ operation }) => failWith('EIO', operation))
      const merging = mergeOn(script.host, sources, dest, { existing: 'replace' })
      const outcome = await merging.catch((error: unknown) => error)
      if (outcome instanceof Error) assert.deepEqual(spelled(dest), before)
      else if (script.hit.length === 0) break
    }
  })
})

describe('to find out which names are one entry', () => {
  const look: TreeSpec = {
    'pkg/README': 'same',
    'pkg/readme': 'same',
    'pkg/lib/É': '',
    'pkg/lib/é': '',
  }

  describeOn(['ext4', 'btrfs'], (volume) => {
    const mutations = async (dest: string, source: TreeSpec): Promise<string[]> => {
      const { host, calls } = recordingHost(defaultHost)
      const sources = [...store(source), ...store(source)].map((each, index) => {
        return { ...each, name: String(index) }
      })
      const plan = await planOn(host, sources, dest)
      const result = await mergeOn(host, sources, dest)
      assert.deepEqual([plan.conflicts, result.conflicts, result.created], [[], [], 0])
      return calls.filter(({ operation }) => mutating.has(operation)).map(({ path: at }) => at)
    }

    it('nothing is written where dest has them all', async () => {
      const dest = destIn(volume.fresh())
      await mergeOn(defaultHost, store(look), dest)
      assert.deepEqual(await mutations(dest, look), [])
    })

    it('inodes are not asked: two links to one are two entries', async () => {
      const dest = destIn(volume.fresh(), { ...look, 'pkg/readme': { hardlink: 'pkg/README' } })
      assert.deepEqual(await mutations(dest, look), [])
    })

    it('a plan leaves no trace, whether dest is there or not', async () => {
      const dir = destIn(volume.fresh(), { dest: 'x' })
      const before = held(dir)
      for (const dest of [dir, path.join(dir, 'a'), path.join(dir, 'a/b/c')]) {
        const { host, calls } = recordingHost(defaultHost)
        const plan = await planOn(host, store(look), dest)
        assert.deepEqual([plan.files, plan.conflicts], [4, []])
        assert.ok(calls.some(({ operation }) => operation === 'mkdir'))
        assert.deepEqual(held(dir), before)
      }
    })

    it('a dest that may not be written to is planned for, and merged where nothing is wanted', async () => {
      const dest = destIn(volume.fresh())
      const sources = store(look)
      fs.chmodSync(dest, 0o555)
      await asNobody(async () => {
        const plan = await planOn(defaultHost, sources, dest)
        assert.deepEqual([plan.files, plan.conflicts], [4, []])
        const error = await failureOf(mergeOn(defaultHost, sources, dest))
        assert.deepEqual([error.code, error.syscall], ['EACCES', 'mkdir'])
      })
      assert.deepEqual(held(dest), {})
      await mergeOn(defaultHost, sources, dest)
      const again = await asNobody(() => mergeOn(defaultHost, sources, dest))
      assert.equal(again.unchanged, 4)
    })
  })

  it('a file system that is mounted read-only is planned for', async function () {
    const volume = await orSkip(this, makeVolume('ext4', { size: 64 * MiB }))
    const dest = destIn(volume.path, { 'pkg/lib/é': '' })
    await runTool('mount', ['-o', 'remount,ro', volume.path])
    const { host, calls } = recordingHost(defaultHost)
    const plan = await planOn(host, store(look), dest)
    assert.deepEqual([plan.files, plan.conflicts], [4, []])
    assert.deepEqual(
      [...plan.entries()].filter(({ action }) => action === 'unchanged').map((entry) => entry.path),
      ['pkg', 'pkg/lib', 'pkg/lib/é'],
    )
    assert.ok(calls.some(({ operation }) => operation === 'mkdir'))
    const error = await failureOf(mergeOn(host, store(look), dest))
    assert.deepEqual([error.code, error.syscall], ['EROFS', 'mkdir'])
    volume.remove()
  })

  it('dest is asked where it can only be read', async function () {
    const volume = await orSkip(this, makeVolume('exfat', { size: 64 * MiB }))
    const dest = destIn(volume.path, { 'pkg/ReadMe': 'old' })
    await runTool('mount', ['-i', '-o', 'remount,ro', volume.path])
    const { conflicts } = await planOn(defaultHost, store(look), dest)
    assert.deepEqual(
      conflicts.map(({ kind, paths }) => [kind, paths]),
      [['case', ['pkg/README', 'pkg/readme']]],
    )
    volume.remove()
  })
})

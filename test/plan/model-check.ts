import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { MergeError } from '../../lib/merge-error'
import type { Host } from '../../lib/host/host'
import type { Conflict, MergeOptions, MergeResult, Source, SourceOptions } from '../../lib/index'
import { mergeOn, planOn } from '../../lib/merge'
import { Session } from '../../lib/session'
import { assertTree, snapshot } from '../support/snapshot'
import { runTool, runToolSync } from '../support/tool'
import { writeTree } from '../support/tree'
import { modelMerge } from './model'
import type { ModelOutcome } from './model'
import { deciders, expectedIn, filesOf, parseMode, treeOf, write } from './model-case'
import type { Case, CaseSession } from './model-case'
import type { Lab } from './model-lab'
import type { ModelEntry, ModelSource, ModelTree } from './model-tree'
import type { ModelPolicies } from './model-union'
import { assertExclusive, assertOneWinner } from './model-promises'

/** Where sources lie, where they are merged, and by what. */
export interface Labs {
  readonly store: Lab
  readonly dest: Lab
  readonly host: Host
}

/** A directory in each. */
interface Scene {
  readonly store: string
  readonly place: string
}

/** Plans one merge, runs it, runs it once more, and runs it as a session; all must be as the model has it. */
export async function check(given: Case, labs: Labs): Promise<void> {
  const scene = { store: labs.store.fresh(), place: labs.dest.fresh() }
  await checkIn(scene, given, labs)
  await discard(scene)
}

const done: string[] = []

/** Many at once, which is much faster. What an ordinary user may not remove goes with the rest, after the test. */
async function discard(scene: Scene): Promise<void> {
  done.push(scene.store, scene.place)
  if (done.length < 200) return
  await runTool('rm', ['-rf', '--', ...done.splice(0)]).catch(() => undefined)
}

export async function checkIn({ store, place }: Scene, given: Case, labs: Labs): Promise<void> {
  const { existing = 'error', linkModes, session = lastFirst(given) } = given
  const { directoryMode, sameName } = labs.dest
  const { host } = labs
  const { models, sources } = makeSources(store, given, labs)
  const first = new Site(path.join(place, 'merge'), given, labs.dest)
  const second = new Site(path.join(place, 'session'), given, labs.dest)

  const { conflicts, pendingComparisons } = policyOf(given)
  const policies = { conflicts, existing, directoryMode, sameName }
  const expected = modelMerge(models, first.before, policies)
  const toAsk = pendingComparisons.toSorted(byPath)
  const asked: Conflict[][] = []
  const options = (): MergeOptions => {
    const policy = policyOf(given)
    asked.push(policy.pendingComparisons)
    return { conflicts: policy.conflicts, existing, ...(linkModes && { linkModes }) }
  }

  // On a dest of its own, meanwhile; but a new hard link changes the ctime of all others.
  const inSession = outcomeOf(mergeInSession(host, sources, second.dest, session, options()))
  if (linkModes?.includes('hardlink')) await inSession
  const checkFirst = async (): Promise<unknown> => {
    const untouched = first.states()
    const plan = await planOn(host, sources, first.dest, options())
    assert.deepEqual({ ...plan, entries: [...plan.entries()] }, expected.plan)
    assert.deepEqual(first.states(), untouched)
    if (conflicts === 'exclusive') assertExclusive(models, expected.plan, sameName)
    else if (typeof conflicts === 'string') assertOneWinner(models, expected.plan, sameName)

    const outcome = await outcomeOf(mergeOn(host, sources, first.dest, options()))
    if (expected.result === undefined) {
      assertConflicts(outcome, expected.undecided)
      assert.deepEqual(first.states(), untouched)
      return outcome
    }
    assertResult(outcome, expected)
    first.assertTree(expected.result.after, expected.result.mode)

    const merged = first.states()
    const again = modelMerge(models, expected.result.after, policies)
    assertResult(await outcomeOf(mergeOn(host, sources, first.dest, options())), again)
    assert.deepEqual([again.result?.effects.created, again.result?.effects.replaced], [0, 0])
    assert.deepEqual(first.states(), merged)
    return outcome
  }
  const outcome = await checkFirst().finally(() => inSession)
  assert.deepEqual(told(await inSession, second), told(outcome, first))
  second.assertTree(expected.result ? expected.result.after : second.before, expected.result?.mode)
  for (const each of asked) assert.deepEqual(each.toSorted(byPath), toAsk)
}

/** What it resolves to, or rejects with. */
async function outcomeOf(merging: Promise<MergeResult>): Promise<unknown> {
  return merging.catch((error: unknown) => error)
}

function lastFirst({ sources }: Case): CaseSession {
  return { order: [...sources.keys()].reverse(), step: 1, atOnce: false }
}

/** All but plain letters may. */
function haveLookAlikes({ sources }: Case): boolean {
  const paths = sources.flatMap(({ to = '', tree }) => [to, ...Object.keys(tree)])
  return !paths.every((each) => /^[a-z/]*$/.test(each))
}

function byPath(a: Conflict, b: Conflict): number {
  return a.path < b.path ? -1 : 1
}

/** The policy of a case, and, once it was used, what it was asked. */
function policyOf({ conflicts = 'error' }: Case): {
  conflicts: ModelPolicies['conflicts']
  pendingComparisons: Conflict[]
} {
  const pendingComparisons: Conflict[] = []
  if (conflicts !== 'middle' && conflicts !== 'any') return { conflicts, pendingComparisons }
  const decide = (conflict: Conflict): string => {
    pendingComparisons.push(conflict)
    return deciders[conflicts](conflict)
  }
  return { conflicts: decide, pendingComparisons }
}

/** Writes the sources, for the model and for the merge. */
function makeSources(
  dir: string,
  given: Case,
  labs: Labs,
): { models: ModelSource[]; sources: Source[] } {
  const models: ModelSource[] = []
  const sources = given.sources.map(
    ({ tree: written, to = '', mode: octal = '755', asFiles = false }, index) => {
      // Where dest has one mode for all, sources have it, too: it is how they are compared with dest.
      const { fixedMode } = labs.dest
      const tree = treeOf(written, labs.store.sameName, fixedMode)
      const mode = fixedMode ?? parseMode(octal)
      const name = `s${String(index)}`
      const its = path.join(dir, name)
      write(its, tree)
      fs.chmodSync(its, mode)
      const known = asFiles ? { mode: undefined, tree: filesOf(tree) } : { mode, tree }
      models.push({ name, to, ...known })
      const source: SourceOptions = { name, ...(to !== '' && { to }) }
      return asFiles ? { ...source, files: mapOf(its, tree) } : { ...source, dir: its }
    },
  )
  return { models, sources }
}

function mapOf(dir: string, tree: ModelTree): Map<string, string> {
  const files = [...tree].filter(([, { type }]) => type === 'file')
  return new Map(files.map(([name]) => [name, path.join(dir, name)]))
}

/** A dest, and what stands around it. */
class Site {
  readonly dest: string
  readonly before: ModelTree | undefined
  private readonly names: readonly string[]
  /** Names that look alike may be tried in a staging directory, also by a plan. */
  private readonly isTried: boolean

  constructor(
    private readonly parent: string,
    given: Case,
    private readonly lab: Lab,
  ) {
    writeTree(parent, { 'beside/file': 'not ours' })
    const { dest, missing = 0 } = given
    this.isTried = haveLookAlikes(given)
    this.names = [...(dest === undefined ? ['p', 'q'].slice(0, missing) : []), 'dest']
    this.dest = path.join(parent, ...this.names)
    this.before = dest && treeOf(dest, lab.sameName, lab.fixedMode)
    if (this.before !== undefined) write(this.dest, this.before)
  }

  /** dest holds `tree`, or is absent, and nothing else has changed. `mode`: of dest; undefined: as mkdir makes it. */
  assertTree(tree: ModelTree | undefined, mode?: number): void {
    const { fixedMode, directoryMode } = this.lab
    const names = tree === undefined ? [] : this.names
    const around: ModelTree = new Map<string, ModelEntry>([
      ['beside', { type: 'directory', mode: fixedMode ?? 0o755 }],
      ['beside/file', { type: 'file', data: 'not ours', mode: fixedMode ?? 0o644 }],
      ...names.map((_, depth): [string, ModelEntry] => {
        const above = names.slice(0, depth + 1).join('/')
        const isDest = depth === names.length - 1
        return [above, { type: 'directory', mode: (isDest ? mode : undefined) ?? directoryMode }]
      }),
    ])
    const below = [...names, ''].join('/')
    if (fixedMode !== undefined) forgetNames(this.parent)
    assertTree(this.parent, [...expectedIn('', around), ...expectedIn(below, tree ?? new Map())])
  }

  /**
   * Inode, mtime and ctime of everything: two equal ones tell that nothing was made, written, renamed, linked or
   * chmodded in between. Of a directory that may have had a staging directory, the inode alone.
   */
  states(): string[] {
    const { parent, lab, isTried } = this
    // A file system that invents modes invents inodes and times, too: there, what it holds must do.
    const invents = lab.fixedMode !== undefined
    const found = snapshot(parent, { contents: invents })
    if (invents) return found.map((entry) => JSON.stringify(entry))
    const nearest = this.before === undefined ? '' : this.names.join('/')
    return ['', ...found.map((entry) => entry.path)].map((name) => {
      // No link is followed: they lead in circles here.
      const { ino, mtimeNs, ctimeNs } = fs.lstatSync(path.join(parent, name), { bigint: true })
      const times = isTried && name === nearest ? [] : [mtimeNs, ctimeNs]
      return [name, ino, ...times].join(' ')
    })
  }
}

/**
 * FUSE knows a directory as many times as it has spellings; what has changed under one of them, the others may still
 * show as it was. So the kernel is told to forget all names of this mount. Not of all mounts (drop_caches): exfat numbers
 * inodes anew then, while other tests look at theirs.
 */
function forgetNames(dir: string): void {
  const { dev } = fs.statSync(dir)
  let mount = dir
  while (fs.statSync(path.dirname(mount)).dev === dev) mount = path.dirname(mount)
  const failure = runToolSync('mount', ['--internal-only', '-o', 'remount', mount])
  if (failure !== null) throw new Error(failure)
}

async function mergeInSession(
  host: Host,
  sources: readonly Source[],
  dest: string,
  { order, step, atOnce }: CaseSession,
  options: MergeOptions,
): Promise<MergeResult> {
  const session = await Session.open(host, dest, options)
  for (const index of order) {
    const source = sources[index]
    if (source === undefined) continue
    const added = session.add(source, { rank: index * step })
    if (!atOnce) await added
  }
  return session.commit()
}

/** An outcome without what may differ between two places and times. */
function told(outcome: unknown, { dest }: Site): object {
  if (outcome instanceof MergeError) {
    const { name, code, message } = outcome
    return { name, code, message, ...('conflicts' in outcome && { conflicts: outcome.conflicts }) }
  }
  if (outcome instanceof Error) throw outcome
  const { duration, fallbacks, ...rest } = outcome as MergeResult
  const below = fallbacks.map((each) => ({ ...each, dest: path.relative(dest, each.dest) }))
  return { ...rest, fallbacks: below, phases: Object.keys(duration) }
}

function assertConflicts(outcome: unknown, undecided: readonly Conflict[]): void {
  assert.ok(outcome instanceof MergeError, `not refused: ${String(outcome)}`)
  assert.equal(outcome.code, 'ERR_MERGE_CONFLICT')
  assert.deepEqual(outcome.conflicts, undecided)
}

function assertResult(outcome: unknown, { plan, result }: ModelOutcome): void {
  if (outcome instanceof Error) throw outcome
  const merged = outcome as MergeResult
  assert.ok(result, 'not refused')
  const { files, directories, symlinks, bytes, conflicts, sources, linkModes } = merged
  const counts = { files, directories, symlinks, bytes, conflicts, sources }
  assert.deepEqual({ ...counts, entries: plan.entries }, plan)
  const { created, replaced, kept, unchanged, attributes } = merged
  const { differing } = attributes
  const placed = Object.values(linkModes).reduce((sum, count) => sum + count)
  assert.deepEqual({ created, replaced, kept, unchanged, placed, differing }, result.effects)
}

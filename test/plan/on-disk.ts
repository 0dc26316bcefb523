import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge, planMerge } from '../../lib/index'
import type { Conflict, MergeOptions, MergeResult, Source } from '../../lib/index'
import { failureOf } from '../support/failure'
import type { Failure } from '../support/failure'
import { freshDir } from '../support/fresh'
import { snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'

/** Packages in the order of the merge, and dest beside them. */
export interface Scene {
  dir: string
  sources: Source[]
  dest: string
}

/** What a merge must do. */
export interface Outcome {
  /** Of dest, as contentsOf() gives it. */
  tree: Record<string, string>
  /** As toldOf() gives them; default: none. */
  conflicts?: readonly string[]
  /** By source; default: nothing. */
  lost?: Readonly<Record<string, readonly string[]>>
}

/** Writes packages, by name, and what dest holds; without `held` there is no dest. */
export function scene(packages: Readonly<Record<string, TreeSpec>>, held?: TreeSpec): Scene {
  const dir = freshDir()
  const sources = Object.entries(packages).map(([name, spec]) => {
    return { name, dir: writeTree(path.join(dir, 'store', name), spec) }
  })
  const dest = path.join(dir, 'parent', 'dest')
  fs.mkdirSync(path.dirname(dest))
  if (held !== undefined) writeTree(dest, held)
  return { dir, sources, dest }
}

/**
 * Path → text of each file, `→ target` of each symlink; directories only where they are empty, with a `/`. Executables have
 * a `*` behind their text.
 */
export function contentsOf(dir: string): Record<string, string> {
  const entries = snapshot(dir, { contents: false })
  const result: Record<string, string> = {}
  for (const { path: at, type, mode, target = '' } of entries) {
    if (type === 'symlink') result[at] = `→ ${target}`
    else if (type === 'file') {
      const text = fs.readFileSync(path.join(dir, at), 'utf8')
      result[at] = mode === '755' ? `${text}*` : text
    } else if (!entries.some(({ path: other }) => other.startsWith(`${at}/`))) result[`${at}/`] = ''
  }
  return result
}

/** A conflict on a line: `content ns/x: a, b → b`. */
export function toldOf({ path: at, kind, sources, winner }: Conflict): string {
  return `${kind} ${at}: ${sources.join(', ')} → ${winner ?? 'nobody'}`
}

/** Planned and carried out the outcome is this one, and nothing else changes beside dest. Gives the result. */
export async function assertMerges(
  { sources, dest }: Scene,
  options: MergeOptions,
  { tree, conflicts = [], lost = {} }: Outcome,
): Promise<MergeResult> {
  const parent = path.dirname(dest)
  const before = contentsOf(parent)
  const plan = await planMerge(sources, dest, options)
  assert.deepEqual(contentsOf(parent), before, 'a plan changes nothing')

  const result = await merge(sources, dest, options)
  assert.deepEqual(contentsOf(dest), tree)
  assert.deepEqual(fs.readdirSync(parent), ['dest'])
  for (const told of [plan, result]) {
    assert.deepEqual(told.conflicts.map(toldOf), conflicts)
    const losses = told.sources.filter((source) => source.lost.length > 0)
    assert.deepEqual(Object.fromEntries(losses.map((source) => [source.name, source.lost])), lost)
  }
  return result
}

/** Fails for these conflicts, as toldOf() gives them, and changes nothing. Gives the error. */
export async function assertRefused(
  { sources, dest }: Scene,
  options: MergeOptions,
  conflicts: readonly string[],
): Promise<Failure> {
  const parent = path.dirname(dest)
  const before = contentsOf(parent)
  const error = await failureOf(merge(sources, dest, options))
  assert.equal(error.code, 'ERR_MERGE_CONFLICT', error.message)
  assert.deepEqual(error.conflicts?.map(toldOf), conflicts)
  assert.deepEqual(contentsOf(parent), before)
  // The plan lists them too, beside those that a policy decides.
  const plan = await planMerge(sources, dest, options)
  const planned = plan.conflicts.map(toldOf)
  for (const conflict of conflicts) assert.ok(planned.includes(conflict), conflict)
  return error
}

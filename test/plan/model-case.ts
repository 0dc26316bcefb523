import { createHash } from 'node:crypto'

import type { Conflict, LinkMode } from '../../lib/index'
import type { TreeEntry } from '../support/snapshot'
import { writeTree } from '../support/tree'
import type { TreeNode } from '../support/tree'
import { parentOf, spelledIn } from './model-tree'
import type { ModelEntry, ModelTree, SameName } from './model-tree'
import type { ModelPolicies } from './model-union'

/** One merge, as a counterexample is printed and can be pasted into a test. */
export interface Case {
  sources: readonly CaseSource[]
  /** Path → what stands there; undefined: dest is absent. */
  dest: CaseTree | undefined
  /** Names above dest that are absent with it. */
  missing?: number
  conflicts?: 'error' | 'first' | 'last' | 'exclusive' | keyof typeof deciders
  existing?: ModelPolicies['existing']
  linkModes?: LinkMode[]
  session?: CaseSession
}

interface CaseSource {
  to?: string
  /** Of the source's own directory. */
  mode?: string
  tree: CaseTree
  /** Given as a map of files: links, empty directories and modes of directories are left out. */
  asFiles?: boolean
}

/** How the sources are added to a session. */
export interface CaseSession {
  /** Indexes of sources; those that the case has not are skipped. */
  order: readonly number[]
  /** From the rank of one source to the next's; 0: all have one rank, and their names decide. */
  step: number
  /** Without waiting for one before the next. */
  atOnce: boolean
}

/** `x 644`: a file with its mode; `→ b`: a symlink; `755`: a directory. */
export type CaseTree = Readonly<Record<string, string>>

/** Functions that decide conflicts, by the conflict alone. */
export const deciders = {
  middle: ({ sources }: Conflict): string => sources[Math.floor(sources.length / 2)] ?? '',
  /** Now this one, now that one, by all that a conflict tells. */
  any: ({ path, kind, sources, paths = [] }: Conflict): string => {
    const sum = Buffer.from([path, kind, ...paths].join('')).reduce((all, byte) => all + byte, 0)
    return sources[sum % sources.length] ?? ''
  },
} as const

function parse(text: string, fixedMode: number | undefined): ModelEntry {
  if (text.startsWith('→ ')) return { type: 'symlink', target: text.slice(2) }
  const [, data, octal = ''] = /^(?:(.*) )?(\d+)$/.exec(text) ?? []
  const mode = fixedMode ?? parseMode(octal)
  return data === undefined ? { type: 'directory', mode } : { type: 'file', data, mode }
}

export function parseMode(octal: string): number {
  return Number.parseInt(octal, 8)
}

/**
 * With the directories that are not named; what another entry leaves no room is left out. `sameName`: of the file
 * system on which the tree is to lie. `fixedMode`: of all in it, whatever it says.
 */
export function treeOf(
  given: CaseTree,
  sameName: SameName,
  fixedMode: number | undefined,
): ModelTree {
  const tree = new Map<string, ModelEntry>()
  const add = (name: string, entry: ModelEntry): boolean => {
    const parent = parentOf(name)
    if (parent !== '' && tree.get(parent)?.type !== 'directory') {
      if (tree.has(parent)) return false
      if (!add(parent, { type: 'directory', mode: fixedMode ?? 0o755 })) return false
    }
    if (tree.has(name)) return false
    tree.set(name, entry)
    return true
  }
  for (const [name, text] of Object.entries(given)) {
    add(spelledIn(tree, name, sameName), parse(text, fixedMode))
  }
  return tree
}

/** What a map of files can tell of a tree. */
export function filesOf(tree: ModelTree): ModelTree {
  const result = new Map<string, ModelEntry>()
  for (const [name, entry] of tree) {
    if (entry.type !== 'file') continue
    for (let dir = parentOf(name); dir !== ''; dir = parentOf(dir)) {
      result.set(dir, { type: 'directory', mode: undefined })
    }
    result.set(name, entry)
  }
  return result
}

export function write(dir: string, tree: ModelTree): void {
  const nodes = [...tree].map(([name, entry]): [string, TreeNode] => {
    if (entry.type === 'directory') return [`${name}/`, { dir: true, mode: entry.mode ?? 0o755 }]
    return [name, entry.type === 'file' ? entry : { symlink: entry.target }]
  })
  writeTree(dir, Object.fromEntries(nodes))
}

/** As snapshot() would find it below `prefix`. */
export function expectedIn(prefix: string, tree: ModelTree): TreeEntry[] {
  return [...tree].map(([name, entry]): TreeEntry => {
    const at = { path: prefix + name, type: entry.type }
    if (entry.type === 'symlink') return { ...at, target: entry.target }
    const mode = (entry.mode ?? 0).toString(8)
    if (entry.type === 'directory') return { ...at, mode }
    const sha256 = createHash('sha256').update(entry.data).digest('hex')
    return { ...at, mode, size: entry.data.length, sha256 }
  })
}

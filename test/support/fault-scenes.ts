import path from 'node:path'

import type { Host } from '../../lib/host/host'
import { mergeOn } from '../../lib/merge'
import type { MergeOptions, MergeResult, Source } from '../../lib/types'
import { snapshot, type TreeEntry } from './snapshot'
import { writeTree, type TreeSpec } from './tree'

/** Two packages that are merged into a dest, to have something fail. */
export interface Scene {
  /** Holds the packages and dest, and nothing else. */
  readonly base: string
  readonly dest: string
  /** How base was before. */
  readonly before: TreeEntry[]
  readonly merge: (on: Host, more?: MergeOptions) => Promise<MergeResult>
}

/** What dest holds, if it is there, and how the merge treats it. */
export interface SceneKind {
  readonly dest?: TreeSpec
  readonly options?: MergeOptions
}

const one: TreeSpec = {
  'pkg/index.js': 'index of pkg',
  'pkg/lib/deep.js': 'deep in pkg',
  'pkg/link': { symlink: 'index.js' },
  'shared/one.js': 'one',
  'shared/common.js': 'common',
  'closed/in.js': 'in',
  'closed/': { dir: true, mode: 0o555 },
}
const two: TreeSpec = { 'shared/two.js': 'two', 'top.txt': { data: 'top', mode: 0o755 } }

export const scenes = {
  'a fresh dest': {},
  'a dest that shares directories': {
    dest: { 'shared/own.js': 'own', 'shared/common.js': 'common', 'own.txt': 'own' },
  },
  "existing: 'replace'": {
    dest: {
      'top.txt': { data: 'old top', mode: 0o600 },
      'shared/one.js': { symlink: 'own.js' },
      'shared/own.js': 'own',
      pkg: 'a file in the way',
    },
    options: { existing: 'replace' },
  },
  'a directory of dest with rules of its own': {
    dest: {
      'shared/': { dir: true, mode: 0o2775 },
      'shared/own.js': 'own',
      'shared/one.js': 'old one',
    },
    options: { existing: 'replace' },
  },
} as const satisfies Readonly<Record<string, SceneKind>>

export function makeScene(base: string, { dest: spec, options = {} }: SceneKind): Scene {
  const sources: Source[] = [
    { name: 'one', dir: writeTree(path.join(base, 'one'), one) },
    { name: 'two', dir: writeTree(path.join(base, 'two'), two) },
  ]
  const dest = path.join(base, 'dest')
  if (spec !== undefined) writeTree(dest, spec)
  return {
    base,
    dest,
    before: snapshot(base),
    merge: (on, more) => mergeOn(on, sources, dest, { ...options, ...more }),
  }
}

import path from 'node:path'

import type { MergeOptions, Source } from '../../lib/index'
import type { KillOrder } from './killed'
import { stored } from './session'
import { writeTree, type TreeSpec } from './tree'

/** A merge that is killed at each of its steps. */
export interface KillCase {
  readonly what: KillOrder['what']
  readonly packages: Readonly<Record<string, TreeSpec>>
  /** What is there before; dest is `deep/dest`, or below what of it is there. */
  readonly before: TreeSpec
  readonly options: MergeOptions
  /** How many steps it has at least. */
  readonly steps: number
}

const one: TreeSpec = {
  'top.txt': { data: 'new top', mode: 0o755 },
  'to-link': { symlink: 'shared/own.js' },
  'from-link': 'a file by now',
  'from-directory': 'a file by now',
  'pkg/index.js': 'index of pkg',
  'pkg/lib/deep.js': 'deep in pkg',
  'closed/in.js': 'in',
  'closed/': { dir: true, mode: 0o555 },
  'shared/one.js': 'one',
  'shared/same.js': 'same',
  'shared/new.js': Buffer.alloc(9000, 'new'),
}
const two: TreeSpec = {
  'shared/deep/linked.js': 'two',
  'shared/deep/below/a.js': 'a',
  'fresh/a.js': { data: 'fresh', mode: 0o444 },
}
const three: TreeSpec = { 'pkg/three.js': 'three', 'shared/one.js': 'one of three' }

/** A dest in which each kind of entry is replaced by each other kind that may. */
const dest: TreeSpec = {
  'deep/dest/top.txt': { data: 'old top', mode: 0o600 },
  'deep/dest/to-link': 'a file before',
  'deep/dest/from-link': { symlink: 'top.txt' },
  'deep/dest/from-directory/': { dir: true },
  'deep/dest/pkg': 'a file in the way of a directory',
  'deep/dest/shared/one.js': 'old one',
  'deep/dest/shared/own.js': { data: 'own', mode: 0o640 },
  'deep/dest/shared/same.js': 'same',
  'deep/dest/shared/deep/linked.js': { hardlink: 'deep/dest/shared/own.js' },
  'outside.js': { hardlink: 'deep/dest/shared/one.js' },
}

export const killCases = {
  'into a dest that is there': {
    what: 'merge',
    packages: { one, two },
    before: dest,
    options: { existing: 'replace', concurrency: 1 },
    steps: 50,
  },
  'into directories with rules of their own': {
    what: 'merge',
    packages: { one, two },
    before: {
      ...dest,
      'deep/dest/shared/': { dir: true, mode: 0o2775 },
      'deep/dest/shared/deep/': { dir: true, mode: 0o755 },
    },
    options: { existing: 'replace', concurrency: 1 },
    steps: 50,
  },
  'into a dest that is missing': {
    what: 'merge',
    packages: { one, two },
    before: {},
    options: { concurrency: 1 },
    steps: 25,
  },
  'a session': {
    what: 'session',
    packages: { one, two, three },
    before: dest,
    options: { existing: 'replace', conflicts: 'last' },
    steps: 80,
  },
} as const satisfies Record<string, KillCase>

/** Where one run of a case takes place. */
export interface KillScene {
  /** Holds nothing but dest and what is beside it. */
  readonly root: string
  readonly dest: string
}

export function makeKillScene(root: string, { before }: KillCase): KillScene {
  writeTree(root, before)
  return { root, dest: path.join(root, 'deep/dest') }
}

/** Writes the packages; all scenes share them. */
export function packagesOf(base: string, { packages }: KillCase): Source[] {
  return stored(base, packages)
}

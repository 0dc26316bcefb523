import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { merge } from 'reflink-merge'
import { settle } from '../scripts/demo/measured-merge.mjs'
import { makeContentStore } from './content-store.mjs'
import { makeStore } from './corpus/corpus.mjs'

/** @typedef {import('./corpus/corpus.mjs').StoreSource} StoreSource */
/** @typedef {import('./corpus/corpus.mjs').Counts} Counts */

/**
 * @typedef {object} SourceList some of the packages, in two spellings
 * @property {string} json a file with a `StoreSource[]`
 * @property {string} manifest a file with the same for the floor
 * @property {number} packages
 */

/**
 * @typedef {object} Field what the subjects work on, on one volume
 * @property {import('./options.mjs').Kind} kind
 * @property {SourceList} all
 * @property {SourceList} base what a populated dest holds
 * @property {SourceList} extra what comes to it, one by one
 * @property {SourceList} store all packages out of a content-addressed store: `StoredSource`s instead
 * @property {string} tree all packages laid out in one tree, with blocks of its own
 * @property {string | null} subvolume the same as a Btrfs subvolume
 * @property {string} dest not there, but its parent is
 * @property {Counts} expected what dest holds afterwards
 * @property {Biggest} biggest the biggest file: by it one sees how files were placed
 */

/** @typedef {{ stored: string, path: string }} Biggest absolute in the store; relative in the tree and in dest */

const mostInBase = 500
const mostExtra = 20

/**
 * @param {string} volume an empty directory
 * @param {import('./options.mjs').Kind} kind
 * @param {readonly import('./corpus/corpus.mjs').Package[]} packages
 * @returns {Promise<Field>}
 */
export async function prepareField(volume, kind, packages) {
  const { sources, merged } = makeStore(packages, join(volume, 'store'))
  const tree = join(volume, 'tree')
  await merge(sources, tree, { linkModes: 'copy' })

  const base = sources.slice(0, Math.min(mostInBase, Math.floor(sources.length / 2)))
  const extra = evenly(sources.slice(base.length), mostExtra)
  const lists = join(volume, 'lists')
  mkdirSync(lists)
  const field = {
    kind,
    all: writeList(join(lists, 'all'), sources),
    base: writeList(join(lists, 'base'), base),
    extra: writeList(join(lists, 'extra'), extra),
    store: writeStored(join(lists, 'store'), makeContentStore(sources, join(volume, 'cas'))),
    tree,
    subvolume: kind === 'btrfs' ? makeSubvolume(join(volume, 'subvolume'), tree) : null,
    dest: join(volume, 'run/dest'),
    expected: merged,
    biggest: biggestOf(sources),
  }
  // A clone of a file that is not on disk yet waits until it is; in real life a store has long been.
  settle(volume)
  return field
}

/**
 * At most so many of a list, from all over it.
 * @template T
 * @param {readonly T[]} list
 * @param {number} most
 */
export function evenly(list, most) {
  const step = Math.max(1, list.length / most)
  return list.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step))
}

/**
 * @param {string} file without an ending
 * @param {readonly StoreSource[]} sources
 * @returns {SourceList}
 */
export function writeList(file, sources) {
  const list = { json: `${file}.json`, manifest: `${file}.tsv`, packages: sources.length }
  writeFileSync(list.json, JSON.stringify(sources))
  writeFileSync(list.manifest, sources.map(({ dir, to }) => `${dir}\t${to}\n`).join(''))
  return list
}

/**
 * @param {string} file without an ending
 * @param {readonly import('./content-store.mjs').StoredSource[]} sources
 * @returns {SourceList} without a manifest: the floor reads directories
 */
function writeStored(file, sources) {
  const list = { json: `${file}.json`, manifest: '', packages: sources.length }
  writeFileSync(list.json, JSON.stringify(sources))
  return list
}

/**
 * @param {string} dir
 * @param {string} tree
 */
function makeSubvolume(dir, tree) {
  for (const [command, ...args] of /** @type {const} */ ([
    ['btrfs', 'subvolume', 'create', dir],
    ['cp', '-a', '--reflink=always', `${tree}/.`, dir],
  ])) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
    if (status !== 0) throw error ?? new Error(stderr)
  }
  return dir
}

/**
 * @param {readonly StoreSource[]} sources
 * @returns {Biggest}
 */
function biggestOf(sources) {
  let most = -1
  let biggest = { stored: '', path: '' }
  for (const { dir, to } of sources)
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      const stored = join(entry.parentPath, entry.name)
      const size = entry.isFile() ? lstatSync(stored).size : -1
      if (size <= most) continue
      most = size
      biggest = { stored, path: join(to, stored.slice(dir.length + 1)) }
    }
  return biggest
}

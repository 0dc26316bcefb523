import { createHash } from 'node:crypto'
import { binsOf } from './bins.mjs'
import { bundledIn } from './bundled.mjs'
import { hiddenLockName, hiddenLockOf } from './hidden-lock.mjs'

/** @typedef {import('reflink-merge').FileMapSource} Source */
/** @typedef {Source & { files: Map<string, import('reflink-merge').FileEntry> }} PackageSource */

/**
 * A package as a source of the merge.
 * @param {import('./lock.mjs').Lock} lock
 * @param {import('./lock.mjs').LockedPackage} locked
 * @param {string} store the directory that `files` are in
 * @param {readonly import('./store.mjs').StoredFile[]} files
 * @returns {PackageSource}
 */
export function sourceOf(lock, { to, name, integrity }, store, files) {
  const { programs, replaced } = bundledIn(lock, to, files)
  /** @type {PackageSource['files']} */
  const map = new Map()
  for (const [path, file, size, mode] of files) {
    if (replaced.some((place) => path.startsWith(place))) continue
    map.set(path, { path: `${store}/${file}`, size, mode: programs.has(path) ? 0o755 : mode })
  }
  // All that the map follows from.
  const digest = [integrity, ...programs, ...replaced].join(' ')
  return { name, to, digest, files: map }
}

/**
 * @param {import('./lock.mjs').Lock} lock
 * @param {ReadonlyMap<string, PackageSource>} sources by their places
 * @returns {Source} the commands
 */
export function linksSource(lock, sources) {
  const files = binsOf(lock, (to, path) => sources.get(to)?.files.has(path) ?? false)
  return { name: '.bin', files, digest: hashOf(JSON.stringify(files)) }
}

/**
 * @param {import('./lock.mjs').Lock} lock
 * @returns {Source}
 */
export function hiddenLockSource(lock) {
  const content = hiddenLockOf(lock)
  return { name: hiddenLockName, files: { [hiddenLockName]: { content } }, digest: hashOf(content) }
}

/** @param {string} text */
function hashOf(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

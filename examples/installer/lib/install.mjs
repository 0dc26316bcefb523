import { join } from 'node:path'
import { openMerge } from 'reflink-merge'
import { brokenIn } from './broken.mjs'
import { fetchAll } from './fetch.mjs'
import { fitting, withoutFailed } from './fitting.mjs'
import { hiddenLockOf } from './hidden-lock.mjs'
import { readLock } from './lock.mjs'
import { hiddenLockSource, linksSource, sourceOf } from './sources.mjs'
import { Store } from './store.mjs'
import { upToDate } from './up-to-date.mjs'

/** @typedef {import('./lock.mjs').Lock} Lock */
/** @typedef {import('./lock.mjs').LockedPackage} LockedPackage */
/** @typedef {readonly import('./store.mjs').StoredFile[]} StoredFiles */

/**
 * @typedef {object} InstallOptions
 * @property {string} project absolute
 * @property {string} store absolute
 * @property {import('reflink-merge').LinkMode} link
 * @property {import('reflink-merge').ModifiedPolicy} changed what happens to files that somebody has changed or put in the way
 * @property {readonly import('./fitting.mjs').Omitted[]} omit
 * @property {import('./unpack.mjs').Registry} registry
 * @property {AbortSignal} signal
 * @property {Progress} progress
 */

/**
 * @typedef {object} Progress
 * @property {(done: number, total: number) => void} onFetch packages
 * @property {(progress: import('reflink-merge').MergeProgress) => void} onMerge
 */

/**
 * @typedef {object} Installed
 * @property {number} packages
 * @property {number} fetched
 * @property {string[]} leftOut optional packages that could not be fetched, as `a@1.0.0`
 * @property {number} unchanged entries
 * @property {import('reflink-merge').MergeResult} [result] nothing where all was as it should be
 */

/**
 * Makes node_modules what package-lock.json says, all or nothing.
 * @param {InstallOptions} options
 * @returns {Promise<Installed>}
 */
export async function install(options) {
  const { project, omit, signal } = options
  const lock = fitting(readLock(project), omit)
  const modules = join(project, 'node_modules')
  const unchanged = await upToDate(modules, hiddenLockOf(lock), signal)
  if (unchanged !== undefined) {
    return { packages: lock.packages.size, fetched: 0, leftOut: [], unchanged }
  }
  const store = new Store(options.store)
  store.open()
  try {
    return await installFrom(store, lock, modules, options)
  } catch (error) {
    const broken = brokenIn(error, store, lock)
    if (broken.length === 0) throw error
    await Promise.all(broken.map(({ integrity }) => store.forget(integrity)))
    return await installFrom(store, lock, modules, options)
  } finally {
    store.close()
  }
}

/**
 * @param {Store} store
 * @param {Lock} lock
 * @param {string} modules
 * @param {InstallOptions} options
 * @returns {Promise<Installed>}
 */
async function installFrom(store, lock, modules, { link, changed, registry, signal, progress }) {
  const session = await openMerge(modules, {
    ...{ manifest: true, prune: true, adopt: true },
    ...{ modified: changed, existing: changed },
    linkModes: link === 'copy' ? link : [link, 'copy'],
    ...{ signal, onProgress: progress.onMerge },
  })
  try {
    /** @type {Map<string, import('./sources.mjs').PackageSource>} */
    const sources = new Map()
    const ranks = new Map([...lock.packages.keys()].map((to, rank) => [to, rank]))
    // Each is staged while others are still being fetched. commit() waits for all, and rejects with what any of them does.
    const add = (/** @type {LockedPackage} */ locked, /** @type {StoredFiles} */ files) => {
      const source = sourceOf(lock, locked, store.files, files)
      sources.set(locked.to, source)
      void session.add(source, { rank: ranks.get(locked.to) })
    }

    const own = [...lock.packages.values()].filter(({ entry }) => !entry.inBundle)
    const missing = own.filter((locked) => {
      const files = store.read(locked.integrity)
      if (files !== undefined) add(locked, files)
      return files === undefined
    })
    let fetched = 0
    const failed = await fetchAll(missing, { store, registry, signal }, (locked, files) => {
      add(locked, files)
      progress.onFetch(++fetched, missing.length)
    })

    const installed = withoutFailed(lock, failed)
    const leftOut = [...lock.packages.values()].filter(({ to }) => !installed.packages.has(to))
    for (const { to, name } of leftOut) if (sources.has(to)) void session.drop(name)
    void session.add(linksSource(installed, sources))
    void session.add(hiddenLockSource(installed))
    const result = await session.commit()
    return {
      packages: installed.packages.size,
      fetched,
      leftOut: leftOut.map(({ name }) => name),
      unchanged: result.unchanged,
      result,
    }
  } catch (error) {
    await session.abort()
    throw error
  }
}

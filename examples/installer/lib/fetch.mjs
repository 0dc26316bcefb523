import { once, setMaxListeners } from 'node:events'
import { InstallError } from './install-error.mjs'

const atOnce = 16
const tries = 3

/** pacote's and zlib's words for a tarball that is not what it should be, and for connections that broke. */
const worthAnotherTry =
  /^(?:EINTEGRITY|TAR_BAD_ARCHIVE|TAR_ABORT|Z_.*|ECONNRESET|EPIPE|ETIMEDOUT|FETCH_ERROR|ERR_STREAM_PREMATURE_CLOSE)$/

/**
 * @typedef {object} Fetching
 * @property {import('./store.mjs').Store} store
 * @property {import('./unpack.mjs').Registry} registry
 * @property {AbortSignal} signal
 */

/**
 * Fetches packages into the store, some at once.
 * @param {readonly import('./lock.mjs').LockedPackage[]} missing
 * @param {Fetching} fetching
 * @param {(locked: import('./lock.mjs').LockedPackage, files: import('./store.mjs').StoredFile[]) => void} onStored
 * called for each package once it is in the store
 * @returns {Promise<Set<string>>} the places of optional packages that could not be fetched
 * @throws {InstallError} which names the first other one that could not
 */
export async function fetchAll(missing, { store, registry, signal }, onStored) {
  /** @type {Set<string>} */
  const failed = new Set()
  if (missing.length === 0) return failed
  // Only where something is fetched: pacote takes longer to load than a whole rerun.
  const { unpack } = await import('./unpack.mjs')
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  setMaxListeners(0, both) // pacote has one for each request
  // What lies at several places is fetched once.
  const queue = byIntegrity(missing).values()
  const work = async () => {
    for (const [locked, ...others] of queue) {
      const all = [locked, ...others]
      try {
        const files = await fetchOne(locked, (preferOnline) =>
          unpack(store, locked, { ...registry, signal: both, preferOnline }),
        )
        await store.write(locked.integrity, files)
        for (const each of all) onStored(each, files)
      } catch (error) {
        both.throwIfAborted()
        if (!(error instanceof InstallError) || !all.every(({ entry }) => entry.optional)) {
          stop.abort(error)
          throw error
        }
        for (const { to } of all) failed.add(to)
      }
    }
  }
  await orAborted(Promise.all(Array.from({ length: atOnce }, work)), both)
  return failed
}

/**
 * @param {readonly import('./lock.mjs').LockedPackage[]} packages
 * @returns {Map<string, [import('./lock.mjs').LockedPackage, ...import('./lock.mjs').LockedPackage[]]>}
 */
function byIntegrity(packages) {
  /** @type {ReturnType<typeof byIntegrity>} */
  const groups = new Map()
  for (const each of packages) {
    const group = groups.get(each.integrity)
    if (group === undefined) groups.set(each.integrity, [each])
    else group.push(each)
  }
  return groups
}

/**
 * @template T
 * @param {import('./lock.mjs').LockedPackage} locked
 * @param {(preferOnline: boolean) => Promise<T>} attempt
 * @returns {Promise<T>}
 */
async function fetchOne({ name }, attempt) {
  for (let tried = 1; ; tried++) {
    try {
      // Later ones not from a cache, which may hold what is broken.
      return await attempt(tried > 1)
    } catch (error) {
      const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error)
      if (worthAnotherTry.test(code) && tried < tries) continue
      if (!isOfRegistry(code)) throw error
      const times = tried > 1 ? ` after ${tried} tries` : ''
      throw new InstallError(`${name} could not be fetched${times}: ${message}`, {
        cause: error,
      })
    }
  }
}

/**
 * Whether the package failed, and not this machine.
 * @param {string} code
 */
function isOfRegistry(code) {
  return (
    worthAnotherTry.test(code) ||
    /^(?:E\d{3}|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENOTCACHED)$/.test(code)
  )
}

/**
 * pacote goes on for a while after an abort; nobody waits for it.
 * @template T
 * @param {Promise<T>} work
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
async function orAborted(work, signal) {
  const aborted = new AbortController()
  const wait = once(signal, 'abort', { signal: aborted.signal }).then(() => {
    throw signal.reason
  })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, wait])
  } finally {
    aborted.abort()
    await wait.catch(() => undefined)
  }
}

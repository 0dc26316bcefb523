import { checkEngine, checkPlatform } from 'npm-install-checks'
import { InstallError } from './install-error.mjs'
import { leftOut } from './left-out.mjs'

/** @typedef {'dev' | 'optional' | 'peer'} Omitted */

/**
 * The lock without what was not asked for, and without optional packages that are for other machines.
 * @param {import('./lock.mjs').Lock} lock
 * @param {readonly Omitted[]} omit
 * @returns {import('./lock.mjs').Lock}
 * @throws {InstallError} where a package that is not optional is for other machines
 */
export function fitting(lock, omit) {
  const asked = without(lock, (_to, { dev, optional, devOptional, peer }) => {
    const has = (/** @type {Omitted} */ name) => omit.includes(name)
    return (
      (dev && has('dev')) ||
      (optional && has('optional')) ||
      (devOptional && has('dev') && has('optional')) ||
      (peer && has('peer')) ||
      false
    )
  })
  /** @type {Set<string>} */
  const failed = new Set()
  for (const { to, name, entry } of asked.packages.values()) {
    const problem = problemOf(entry)
    if (problem === undefined) continue
    if (!entry.optional) throw new InstallError(`${name}: ${problem}`)
    failed.add(to)
  }
  return withoutFailed(asked, failed)
}

/**
 * @param {import('./lock.mjs').Lock} lock
 * @param {ReadonlySet<string>} failed the places of optional packages that cannot be installed
 */
export function withoutFailed(lock, failed) {
  const out = leftOut(lock, failed)
  return without(lock, (to) => out.has(to))
}

/**
 * @param {import('./lock.mjs').Lock} lock
 * @param {(to: string, entry: import('./lock.mjs').LockEntry) => boolean} isOut
 */
function without(lock, isOut) {
  const packages = new Map([...lock.packages].filter(([to, { entry }]) => !isOut(to, entry)))
  return { ...lock, packages }
}

/**
 * @param {import('./lock.mjs').LockEntry} entry
 * @returns {string | undefined} why it is not for this machine
 */
function problemOf(entry) {
  const { os, cpu, libc, engines, optional } = entry
  try {
    if (os ?? cpu ?? libc) checkPlatform(entry, false)
    // npm warns only where a package that is needed wants another Node.
    if (optional && engines) checkEngine(entry, null, process.version)
    return undefined
  } catch (error) {
    const { code, message, required } =
      /** @type {{ code?: string, message: string, required?: object }} */ (error)
    if (code !== 'EBADPLATFORM' && code !== 'EBADENGINE') throw error
    return `${message}: ${JSON.stringify(required)}`
  }
}

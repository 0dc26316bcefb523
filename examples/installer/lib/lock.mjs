import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InstallError } from './install-error.mjs'

/**
 * @typedef {object} LockEntry an entry of `packages`, as far as an installer needs it
 * @property {string} [name] where it is not the last part of the location: an alias
 * @property {string} version
 * @property {string} [resolved] the address of the tarball; npm may be told to leave out those of the registry
 * @property {string} [integrity]
 * @property {true} [link] a symlink to a directory of the project: a workspace
 * @property {true} [inBundle] part of the tarball of the package above it
 * @property {true} [dev]
 * @property {true} [optional]
 * @property {true} [devOptional]
 * @property {true} [peer]
 * @property {Record<string, string>} [bin]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 * @property {Record<string, string>} [engines]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/**
 * @typedef {object} LockedPackage
 * @property {string} to its place in node_modules: `a`, `a/node_modules/@scope/b`
 * @property {string} name for messages, and unique: with its place where that tells more
 * @property {string} integrity '' of what is part of another package's tarball
 * @property {LockEntry} entry
 */

/**
 * @typedef {object} Lock
 * @property {string} name
 * @property {string | undefined} version
 * @property {LockEntry} root what the project itself depends on
 * @property {Map<string, LockedPackage>} packages by `to`, in the order of the lock
 */

const modules = 'node_modules/'

/**
 * @param {string} project
 * @returns {Lock}
 */
export function readLock(project) {
  const file = join(project, 'package-lock.json')
  const { name: projectName = '', version, lockfileVersion, packages = {} } = parse(file)
  if (lockfileVersion !== 3) {
    throw new InstallError(
      `${file} has version ${lockfileVersion ?? 'none'}; npm 7 or later writes 3`,
    )
  }
  const { '': root = { version: '' }, ...others } = packages
  /** @type {Map<string, LockedPackage>} */
  const read = new Map()
  for (const [location, entry] of Object.entries(others)) {
    if (entry.link || !location.startsWith(modules)) {
      throw new InstallError(`${location}: workspaces and linked directories are not supported`)
    }
    const to = location.slice(modules.length)
    const called = entry.name ?? nameAt(to)
    const label = `${called}@${entry.version}`
    const name = called === to ? label : `${label} (${to})`
    const { integrity = '', inBundle } = entry
    if (!inBundle && integrity === '') {
      throw new InstallError(`${name}: the lock has no integrity of it`)
    }
    read.set(to, { to, name, integrity, entry })
  }
  return { name: projectName, version, root, packages: read }
}

/**
 * @param {string} to
 * @returns {string} the name by which packages around it require it
 */
export function nameAt(to) {
  const cut = to.lastIndexOf(modules)
  return cut < 0 ? to : to.slice(cut + modules.length)
}

/**
 * @param {string} to
 * @returns {string} the node_modules that it lies in, relative to the project's: empty, or ends in `/`
 */
export function modulesOf(to) {
  return to.slice(0, to.length - nameAt(to).length)
}

/**
 * @param {string} file
 * @returns {{ name?: string, version?: string, lockfileVersion?: number, packages?: Record<string, LockEntry> }}
 */
function parse(file) {
  try {
    /** @type {unknown} */
    const lock = JSON.parse(readFileSync(file, 'utf8'))
    return /** @type {object} */ (lock)
  } catch (error) {
    throw new InstallError(`${file} cannot be read: ${String(error)}`, { cause: error })
  }
}

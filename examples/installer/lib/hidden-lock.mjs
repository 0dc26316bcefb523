export const hiddenLockName = '.package-lock.json'

/**
 * node_modules/.package-lock.json, by which npm knows what is installed without reading each package.json.
 * @param {import('./lock.mjs').Lock} lock
 * @returns {string} byte for byte what npm writes
 */
export function hiddenLockOf({ name, version, packages }) {
  /** @type {Record<string, import('./lock.mjs').LockEntry>} */
  const entries = {}
  for (const { to, entry } of packages.values()) entries[`node_modules/${to}`] = entry
  const lock = {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: entries,
  }
  return `${JSON.stringify(lock, null, 2)}\n`
}

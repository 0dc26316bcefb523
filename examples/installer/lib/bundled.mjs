import { posix } from 'node:path'

const modules = 'node_modules/'
/** @type {Bundled} */
const nothing = { programs: new Set(), replaced: [] }

/**
 * @typedef {object} Bundled paths in a package
 * @property {ReadonlySet<string>} programs of commands of packages that its tarball brings along
 * @property {readonly string[]} replaced directories, ending in `/`, in the place of which the lock has packages of their own
 */

/**
 * What the lock says about the packages that are in another package's tarball.
 * @param {import('./lock.mjs').Lock} lock
 * @param {string} to
 * @param {readonly import('./store.mjs').StoredFile[]} files
 * @returns {Bundled}
 */
export function bundledIn({ packages }, to, files) {
  if (!files.some(([path]) => path.startsWith(modules))) return nothing
  const within = [...packages.values()].filter((each) => each.to.startsWith(`${to}/${modules}`))
  /** @type {Set<string>} */
  const programs = new Set()
  /** @type {string[]} */
  const replaced = []
  for (const { to: place, entry } of within) {
    const inside = place.slice(to.length + 1)
    if (!entry.inBundle) replaced.push(`${inside}/`)
    else
      for (const program of Object.values(entry.bin ?? {}))
        programs.add(posix.join(inside, program))
  }
  return { programs, replaced }
}

/**
 * @param {import('./lock.mjs').Lock} lock
 * @param {string} to
 * @returns {string} the place of the package whose tarball it is in; itself where that is its own
 */
export function carrierOf({ packages }, to) {
  let at = to
  while (packages.get(at)?.entry.inBundle) {
    const cut = at.lastIndexOf(`/${modules}`)
    if (cut < 0) break
    at = at.slice(0, cut)
  }
  return at
}

import { modulesOf } from './lock.mjs'

/**
 * @typedef {object} Edge
 * @property {string} from the place of the package that depends; the project itself: ''
 * @property {string} to
 * @property {boolean} optional
 */

/**
 * Who depends on whom, each dependency resolved as Node looks for it: in node_modules beside the package, then
 * further up.
 */
export class Dependents {
  /** @type {Map<string, Edge[]>} */
  #into = new Map()
  /** @type {Map<string, Edge[]>} */
  #outOf = new Map()

  /** @param {import('./lock.mjs').Lock} lock */
  constructor({ root, packages }) {
    const add = (
      /** @type {string} */ from,
      /** @type {import('./lock.mjs').LockEntry} */ entry,
    ) => {
      const { dependencies, peerDependencies, optionalDependencies = {} } = entry
      for (const name of Object.keys({
        ...peerDependencies,
        ...dependencies,
        ...optionalDependencies,
      })) {
        const to = find(packages, from, name)
        if (to === undefined) continue
        const edge = { from, to, optional: name in optionalDependencies }
        listOf(this.#into, to).push(edge)
        listOf(this.#outOf, from).push(edge)
      }
    }
    add('', root)
    for (const { to, entry } of packages.values()) add(to, entry)
  }

  /** @param {string} to */
  into(to) {
    return this.#into.get(to) ?? []
  }

  /** @param {string} from */
  outOf(from) {
    return this.#outOf.get(from) ?? []
  }
}

/**
 * @param {ReadonlyMap<string, unknown>} packages
 * @param {string} from
 * @param {string} name
 */
function find(packages, from, name) {
  for (let at = from === '' ? '' : `${from}/node_modules/`; ; at = modulesAbove(at)) {
    if (packages.has(at + name)) return at + name
    if (at === '') return undefined
  }
}

/** @param {string} modules `a/node_modules/b/node_modules/` → `a/node_modules/` */
function modulesAbove(modules) {
  return modulesOf(modules.slice(0, -'/node_modules/'.length))
}

/**
 * @param {Map<string, Edge[]>} lists
 * @param {string} key
 */
function listOf(lists, key) {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

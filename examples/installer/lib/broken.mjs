/**
 * The packages of which somebody has removed files from the store.
 * @param {unknown} error of a merge
 * @param {import('./store.mjs').Store} store
 * @param {import('./lock.mjs').Lock} lock
 * @returns {import('./lock.mjs').LockedPackage[]}
 */
export function brokenIn(error, store, lock) {
  const { errors = [error] } = /** @type {{ errors?: unknown[] }} */ (error)
  const names = new Set(errors.flatMap((each) => sourceIfMissing(each, store)))
  return [...lock.packages.values()].filter(({ name }) => names.has(name))
}

/**
 * @param {unknown} error
 * @param {import('./store.mjs').Store} store
 * @returns {string[]} the name of the source, if a file of the store is missing
 */
function sourceIfMissing(error, { files }) {
  const { code, path, source } = /** @type {NodeJS.ErrnoException & { source?: string }} */ (error)
  if (code !== 'ENOENT' || source === undefined || !path?.startsWith(files)) return []
  return [source]
}

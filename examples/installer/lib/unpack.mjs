import { chmod, lstat, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pacote from 'pacote'
import { nameAt } from './lock.mjs'

/**
 * @typedef {object} Registry
 * @property {string | undefined} registry its address; default: npm's
 * @property {string | undefined} cache npm's `_cacache`, which tarballs are taken from and put into; default: not put into any
 */

/**
 * Fetches a package and takes its files into the store. pacote compares the tarball with its integrity.
 * @param {import('./store.mjs').Store} store
 * @param {import('./lock.mjs').LockedPackage} locked
 * @param {Registry & { signal: AbortSignal, preferOnline: boolean }} options
 * @returns {Promise<import('./store.mjs').StoredFile[]>}
 */
export async function unpack(store, { to, integrity, entry }, options) {
  const { resolved, bin = {} } = entry
  const { registry, cache, preferOnline, signal } = options
  const dir = store.temporary()
  try {
    const { name = nameAt(to), version } = entry
    const spec = resolved === undefined ? `${name}@${version}` : `${nameAt(to)}@${resolved}`
    await pacote.extract(spec, dir, {
      ...{ integrity, signal, preferOnline, preferOffline: !preferOnline },
      ...(resolved !== undefined && { resolved }),
      ...(registry !== undefined && { registry }),
      ...(cache !== undefined && { cache }),
    })
    // join() with a leading slash leaves no `..` in a path of a stranger.
    const programs = Object.values(bin).map((program) => join(dir, join('/', program)))
    await Promise.all(programs.map(makeExecutable))
    /** @type {import('./store.mjs').StoredFile[]} */
    const files = []
    for (const found of await readdir(dir, { recursive: true, withFileTypes: true })) {
      if (!found.isFile()) continue
      signal.throwIfAborted()
      const path = join(found.parentPath, found.name)
      const [bytes, stats] = await Promise.all([readFile(path), lstat(path)])
      const mode = stats.mode & 0o777
      const file = await store.take(path, bytes, mode)
      files.push([path.slice(dir.length + 1), file, bytes.length, mode])
    }
    return files
  } finally {
    // Before anybody clones or links the files: each name that a file loses changes its ctime.
    await rm(dir, { recursive: true, force: true })
  }
}

/**
 * As npm does with each command that it links: everybody may run it, and its first line ends as the kernel wants it.
 * @param {string} program
 */
async function makeExecutable(program) {
  try {
    await chmod(program, 0o755)
  } catch {
    return // A command without a program: npm does not link it either.
  }
  const text = await readFile(program, 'latin1')
  if (/^#![^\n]+\r\n/.test(text)) await writeFile(program, text.replace('\r\n', '\n'), 'latin1')
}

import { posix } from 'node:path'
import { carrierOf } from './bundled.mjs'
import { modulesOf } from './lock.mjs'

const { compare } = new Intl.Collator('en')

/**
 * The symlinks in `.bin` directories. Of two packages with one command the first by its place has it, as with npm; a command
 * without a program has none.
 * @param {import('./lock.mjs').Lock} lock
 * @param {(to: string, path: string) => boolean} has whether the package at that place has that file
 * @returns {Record<string, { target: string }>} by their places in node_modules
 */
export function binsOf(lock, has) {
  /** @type {Set<string>} */
  const seen = new Set()
  /** @type {Record<string, { target: string }>} */
  const links = {}
  const having = [...lock.packages.values()].filter(({ entry }) => entry.bin !== undefined)
  for (const { to, entry } of having.sort((a, b) => compare(a.to, b.to))) {
    const carrier = carrierOf(lock, to)
    for (const [command, program] of Object.entries(entry.bin ?? {})) {
      const link = `${modulesOf(to)}.bin/${command}`
      // join() with a leading slash leaves no `..` in a path of a stranger.
      const file = posix.join(to, posix.join('/', program))
      if (seen.has(link)) continue
      seen.add(link)
      if (!has(carrier, file.slice(carrier.length + 1))) continue
      links[link] = { target: posix.relative(posix.dirname(link), file) }
    }
  }
  return links
}

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const atATime = 16

/**
 * What a program does that has a call for one file: lists the packages and makes their directories, then places all files, 16
 * at a time of each.
 * @param {readonly import('./sources-of.mjs').StoreSource[]} sources
 * @param {string} dest
 * @param {(from: string, to: string) => Promise<unknown>} place
 */
export async function placeEachFile(sources, dest, place) {
  /** @type {[from: string, to: string][]} */
  const files = []
  await inFlight(sources, async ({ dir, to }) => {
    const target = join(dest, to)
    await mkdir(target, { recursive: true })
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(dir.length)
      if (entry.isDirectory()) await mkdir(target + path, { recursive: true })
      else files.push([dir + path, target + path])
    }
  })
  await inFlight(files, ([from, to]) => place(from, to))
}

/**
 * Runs 16 at a time.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<unknown>} run
 */
export async function inFlight(items, run) {
  const rest = items.values()
  const runner = async () => {
    for (const item of rest) await run(item)
  }
  await Promise.all(Array.from({ length: atATime }, runner))
}

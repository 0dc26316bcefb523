import { resolve } from 'node:path'
import { defaultHost } from '../host'
import { manifestPathIn } from '../life'
import { requireManifest } from '../verify'

/** The names of sources that a user means, and those by which the manifest has none. */
export interface FoundNames {
  readonly names: string[]
  readonly unknown: string[]
  /** All that the manifest has. */
  readonly known: string[]
}

/** A source is meant by its name, or by its place in dest where it is the only one there. */
export async function findSources(
  dest: string,
  manifest: string | undefined,
  words: readonly string[],
): Promise<FoundNames> {
  const path = resolve(dest)
  const inDest = manifestPathIn(path, manifest === undefined ? true : resolve(manifest))
  const { sources } = (await requireManifest(defaultHost, path, inDest)).manifest
  const known = sources.map(({ name }) => name)
  const names: string[] = []
  const unknown: string[] = []
  for (const word of new Set(words)) {
    const there = sources.filter(({ to }) => to !== '' && to === word)
    const [only] = there
    if (known.includes(word)) names.push(word)
    else if (only !== undefined && there.length === 1) names.push(only.name)
    else unknown.push(word)
  }
  return { names, unknown, known }
}

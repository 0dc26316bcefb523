/** Sizes that files of proc (0) and sysfs (a page) are said to have, whatever they hold; so with some FUSE servers. */
const pseudoSizes: ReadonlySet<number | undefined> = new Set([0, 4096])

/** Can a file of a source and one of dest hold the same bytes, as far as their sizes tell? */
export function mayBeAsLong(ofSource: number | undefined, ofDest: number | undefined): boolean {
  return ofSource === ofDest || pseudoSizes.has(ofSource)
}

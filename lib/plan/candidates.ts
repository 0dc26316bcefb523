import type { TreeDirectory } from '../scan/tree'
import { Kind } from '../host/host'

/** One source's directory for a path. */
export interface SourceSubtree {
  readonly source: number
  readonly tree: TreeDirectory
}

/** One source's wish for a path: an entry of `tree`, or the directory `child`. */
export interface Candidate extends SourceSubtree {
  readonly name: string
  readonly index: number
  readonly child: TreeDirectory | undefined
}

export type Candidates = readonly [Candidate, ...Candidate[]]

/** Every name in the source directories, with its candidates in the caller's order. */
export function candidatesOf(sourceSubtrees: readonly SourceSubtree[]): Map<string, Candidates> {
  const candidates = new Map<string, [Candidate, ...Candidate[]]>()
  const add = (candidate: Candidate): void => {
    const others = candidates.get(candidate.name)
    if (others === undefined) candidates.set(candidate.name, [candidate])
    else others.push(candidate)
  }
  for (const { source, tree } of sourceSubtrees) {
    tree.names.forEach((name, index) => {
      add({ source, tree, name, index, child: undefined })
    })
    for (const [name, child] of tree.directories) add({ source, tree, name, index: -1, child })
  }
  return candidates
}

export function kindOf({ tree, index, child }: Candidate): number {
  return child === undefined ? (tree.kinds[index] ?? Kind.Missing) : Kind.Directory
}

/** The bits that make two files with the same bytes different. */
export function executableBits(mode: number | undefined): number {
  return (mode ?? 0) & 0o111
}

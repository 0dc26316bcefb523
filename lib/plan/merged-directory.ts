import { joinPath, Kind } from '../host/host'
import { preOrder } from '../traversal'
import type { LearnSizes } from '../scan/sizes'
import { groupEqual } from './equal-groups'
import { candidatesOf, kindOf, type Candidates, type SourceSubtree } from './candidates'
import type { Compare } from './compare'
import type { SharedName } from './shared-name'
import type { Digest } from './digest'
import { lookAlikes } from './lookalikes'

/** A directory, and those that have it. */
export interface Gathering {
  /** '/'-joined below dest. */
  readonly path: string
  readonly sourceSubtrees: readonly SourceSubtree[]
}

/** What they want in it. */
export interface MergedDirectory extends Gathering {
  /** By name; under one of them where several names are one entry to dest. */
  readonly sharedNames: Map<string, SharedName>
  /** Names that look alike. */
  readonly doubtful: readonly (readonly string[])[]
  /** By name: the directories in it that several have. Empty where nobody looked ahead. */
  readonly below: Map<string, MergedDirectory>
}

/** How files are distinguished. */
export interface CandidateContext {
  readonly compare: Compare
  readonly digest?: Digest | undefined
  readonly learnSizes: LearnSizes
}

const single: readonly number[] = [0]
const none: readonly never[] = []

/**
 * Finds out who agrees with whom. `lookAhead`: also in all directories below that several have, whoever will win them;
 * level by level, so that files are compared many at once.
 */
export async function mergeDirectories(
  gatherings: readonly Gathering[],
  how: CandidateContext,
  lookAhead: boolean,
): Promise<MergedDirectory[]> {
  const mergedDirectories = await mergeHere(gatherings, how)
  for (let level = mergedDirectories; lookAhead && level.length > 0;) {
    const rooms = level.flatMap((mergedDirectory) =>
      sharedIn(mergedDirectory).map((gathering) => ({ above: mergedDirectory, gathering })),
    )
    level = await mergeHere(
      rooms.map(({ gathering }) => gathering),
      how,
    )
    level.forEach((mergedDirectory, index) => {
      const name = mergedDirectory.path.slice(mergedDirectory.path.lastIndexOf('/') + 1)
      rooms[index]?.above.below.set(name, mergedDirectory)
    })
  }
  return mergedDirectories
}

/** A merged directory and all below it, the one above first. */
export function eachMergedDirectory(mergedDirectory: MergedDirectory): Generator<MergedDirectory> {
  return preOrder(mergedDirectory, ({ below }) => below.values())
}

async function mergeHere(
  gatherings: readonly Gathering[],
  { compare, digest, learnSizes }: CandidateContext,
): Promise<MergedDirectory[]> {
  const wanted = gatherings.map(({ sourceSubtrees }) => candidatesOf(sourceSubtrees))
  const contested = wanted.flatMap((candidates) => [...candidates.values()].filter(isContested))
  await learnSizes(contested.flatMap((candidates) => candidates.map(({ tree }) => tree)))
  const answers = await groupEqual(contested, compare, digest)
  const groupsOfEach = new Map(contested.map((candidates, index) => [candidates, answers[index]]))
  return gatherings.map(({ path, sourceSubtrees }, index): MergedDirectory => {
    const sharedNames = new Map<string, SharedName>()
    for (const [name, candidates] of wanted[index] ?? []) {
      const alike = candidates.length === 1 ? single : candidates.map(() => 0)
      sharedNames.set(name, {
        candidates,
        equalGroups: groupsOfEach.get(candidates) ?? alike,
        told: none,
      })
    }
    const doubtful = lookAlikes([...sharedNames.keys()])
    return { path, sourceSubtrees, sharedNames, doubtful, below: new Map() }
  })
}

/** Several want the name, and not all of them a directory. */
function isContested(candidates: Candidates): boolean {
  return (
    candidates.length > 1 && candidates.some((candidate) => kindOf(candidate) !== Kind.Directory)
  )
}

function sharedIn({ path, sharedNames }: MergedDirectory): Gathering[] {
  return [...sharedNames].flatMap(([name, { candidates }]) => {
    const sourceSubtrees = candidates.flatMap(({ source, child }) =>
      child === undefined ? [] : [{ source, tree: child }],
    )
    return sourceSubtrees.length > 1 ? [{ path: joinPath(path, name), sourceSubtrees }] : []
  })
}

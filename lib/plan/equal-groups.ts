import { Equality, Kind } from '../host/host'
import { executableBits, kindOf, type Candidate, type Candidates } from './candidates'
import { comparePairs, type Compare } from './compare'
import type { Digest } from './digest'
import { originOf, type Origin } from './plan'
import { modeOf } from '../scan/tree'

/** Which candidates are equal: one number each, the same for all that are. Directories are equal, they merge. */
export type EqualGroups = readonly number[]

/** Claims of one list that look alike until their bytes are read: positions in the list. */
interface Group {
  readonly candidates: Candidates
  readonly equalGroups: number[]
  readonly members: readonly number[]
}

// So many rounds find all that agree, mostly: there are few versions of a file. More would take a time that grows with the
// square of their number, so what is left is distinguished by digests first.
const roundsByPairs = 3
const fewMembers = 8
const firstBytes = 64 * 1024

/**
 * For each list of candidates: which ones are equal? Bytes are read only where all else is equal. `digest`: undefined where
 * lists are short.
 */
export async function groupEqual(
  lists: readonly Candidates[],
  compare: Compare,
  digest?: Digest,
): Promise<EqualGroups[]> {
  const open: Group[] = []
  const groupsOfEach = lists.map((candidates) => {
    const equalGroups = candidates.map((_, position) => position)
    for (const members of lookAlikes(candidates)) {
      if (isRead(candidates[members[0] ?? 0])) open.push({ candidates, equalGroups, members })
      else for (const member of members) equalGroups[member] = members[0] ?? member
    }
    return equalGroups
  })
  // Each round compares with the first of a group; those that differ from it make another group.
  let groups = open
  for (let round = 1; groups.length > 0; round++) {
    groups = await compareWithFirst(groups, compare)
    if (round === roundsByPairs && digest !== undefined) groups = await splitAll(groups, digest)
  }
  return groupsOfEach
}

/** Large groups in parts that alone may agree. */
async function splitAll(groups: readonly Group[], digest: Digest): Promise<Group[]> {
  const large = groups.filter(({ members }) => members.length > fewMembers)
  const begun = await splitBy(large, digest, firstBytes)
  const isLong = ({ candidates, members }: Group): boolean =>
    sizeOf(candidates, members) > firstBytes
  const whole = await splitBy(begun.filter(isLong), digest, Infinity)
  const small = groups.filter(({ members }) => members.length <= fewMembers)
  return [...small, ...begun.filter((group) => !isLong(group)), ...whole]
}

function sizeOf(candidates: Candidates, [first = 0]: readonly number[]): number {
  const { tree, index } = candidates[first] as Candidate
  return tree.sizes[index] ?? 0
}

async function splitBy(groups: readonly Group[], digest: Digest, length: number): Promise<Group[]> {
  const files = groups.flatMap(({ candidates, members }) =>
    members.map((member) => fileOf(candidates[member] as Candidate)),
  )
  const digests = await digest(files, length)
  let next = 0
  return groups.flatMap(({ candidates, equalGroups, members }) => {
    const alike = new Map<string | undefined, number[]>()
    for (const member of members) {
      const own = digests[next++]
      const others = alike.get(own)
      if (others === undefined) alike.set(own, [member])
      else others.push(member)
    }
    const parts = [...alike.values()].filter(({ length: count }) => count > 1)
    return parts.map((some) => ({ candidates, equalGroups, members: some }))
  })
}

/** Do all of them want the same? */
export function isUnanimous(equalGroups: EqualGroups): boolean {
  return equalGroups.every((number) => number === equalGroups[0])
}

function isRead(candidate: Candidate | undefined): boolean {
  return candidate !== undefined && kindOf(candidate) === Kind.File
}

/** The positions of candidates that look the same, where there are several. */
function lookAlikes(candidates: Candidates): number[][] {
  const groups = new Map<string, number[]>()
  candidates.forEach((candidate, position) => {
    const look = lookOf(candidate)
    const group = groups.get(look)
    if (group === undefined) groups.set(look, [position])
    else group.push(position)
  })
  return [...groups.values()].filter(({ length }) => length > 1)
}

/** What is known without reading: two candidates that differ in it are not equal. */
function lookOf(candidate: Candidate): string {
  const { tree, name, index } = candidate
  const kind = kindOf(candidate)
  // Two names for one entry can never both stand.
  const look = `${String(kind)} ${name}/`
  if (kind === Kind.Directory) return look
  if (kind === Kind.Symlink) return look + (tree.targets.get(index) ?? '')
  return `${look}${String(tree.sizes[index])} ${String(executableBits(modeOf(tree, index)))}`
}

async function compareWithFirst(groups: readonly Group[], compare: Compare): Promise<Group[]> {
  const pairs = groups.flatMap(({ candidates, members }) => {
    const [first = 0, ...others] = members
    const from = fileOf(candidates[first] as Candidate)
    return others.map((other) => [from, fileOf(candidates[other] as Candidate)] as const)
  })
  const answers = await comparePairs(compare, pairs)
  let answer = 0
  return groups.flatMap(({ candidates, equalGroups, members }) => {
    const [first = 0, ...others] = members
    const differing = others.filter((other) => {
      const differs = answers[answer++] === Equality.Differ
      if (!differs) equalGroups[other] = first
      return differs
    })
    return differing.length > 1 ? [{ candidates, equalGroups, members: differing }] : []
  })
}

function fileOf({ tree, index }: Candidate): Origin {
  return originOf(tree, index)
}

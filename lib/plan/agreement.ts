import { Equality, Kind } from '../host/host'
import { executableBits, kindOf, type Claim, type Claims } from './claims'
import { comparePairs, type Compare } from './compare'
import type { Digest } from './digest'
import { originOf, type Origin } from './plan'
import { modeOf } from '../scan/tree'

/** Which claims want the same: one number a claim, the same for all that agree. Directories agree, they merge. */
export type Agreement = readonly number[]

/** Claims of one list that look alike until their bytes are read: positions in the list. */
interface Group {
  readonly claims: Claims
  readonly agreement: number[]
  readonly members: readonly number[]
}

// So many rounds find all that agree, mostly: there are few versions of a file. More would take a time that grows with the
// square of their number, so what is left is told apart by digests first.
const roundsByPairs = 3
const fewMembers = 8
const firstBytes = 64 * 1024

/**
 * For each list of claims: who agrees with whom? Bytes are read only where all else is equal. `digest`: undefined where
 * lists are short.
 */
export async function agree(
  lists: readonly Claims[],
  compare: Compare,
  digest?: Digest,
): Promise<Agreement[]> {
  const open: Group[] = []
  const agreements = lists.map((claims) => {
    const agreement = claims.map((_, position) => position)
    for (const members of lookAlikes(claims)) {
      if (isRead(claims[members[0] ?? 0])) open.push({ claims, agreement, members })
      else for (const member of members) agreement[member] = members[0] ?? member
    }
    return agreement
  })
  // Each round compares with the first of a group; those that differ from it make another group.
  let groups = open
  for (let round = 1; groups.length > 0; round++) {
    groups = await compareWithFirst(groups, compare)
    if (round === roundsByPairs && digest !== undefined) groups = await splitAll(groups, digest)
  }
  return agreements
}

/** Large groups in parts that alone may agree. */
async function splitAll(groups: readonly Group[], digest: Digest): Promise<Group[]> {
  const large = groups.filter(({ members }) => members.length > fewMembers)
  const begun = await splitBy(large, digest, firstBytes)
  const isLong = ({ claims, members }: Group): boolean => sizeOf(claims, members) > firstBytes
  const whole = await splitBy(begun.filter(isLong), digest, Infinity)
  const small = groups.filter(({ members }) => members.length <= fewMembers)
  return [...small, ...begun.filter((group) => !isLong(group)), ...whole]
}

function sizeOf(claims: Claims, [first = 0]: readonly number[]): number {
  const { tree, index } = claims[first] as Claim
  return tree.sizes[index] ?? 0
}

async function splitBy(groups: readonly Group[], digest: Digest, length: number): Promise<Group[]> {
  const files = groups.flatMap(({ claims, members }) =>
    members.map((member) => fileOf(claims[member] as Claim)),
  )
  const digests = await digest(files, length)
  let next = 0
  return groups.flatMap(({ claims, agreement, members }) => {
    const alike = new Map<string | undefined, number[]>()
    for (const member of members) {
      const own = digests[next++]
      const others = alike.get(own)
      if (others === undefined) alike.set(own, [member])
      else others.push(member)
    }
    const parts = [...alike.values()].filter(({ length: count }) => count > 1)
    return parts.map((some) => ({ claims, agreement, members: some }))
  })
}

/** Do all of them want the same? */
export function isUnanimous(agreement: Agreement): boolean {
  return agreement.every((number) => number === agreement[0])
}

function isRead(claim: Claim | undefined): boolean {
  return claim !== undefined && kindOf(claim) === Kind.File
}

/** The positions of claims that look the same, where there are several. */
function lookAlikes(claims: Claims): number[][] {
  const groups = new Map<string, number[]>()
  claims.forEach((claim, position) => {
    const look = lookOf(claim)
    const group = groups.get(look)
    if (group === undefined) groups.set(look, [position])
    else group.push(position)
  })
  return [...groups.values()].filter(({ length }) => length > 1)
}

/** What can be told without reading: two claims that differ in it want different things. */
function lookOf(claim: Claim): string {
  const { tree, name, index } = claim
  const kind = kindOf(claim)
  // Two names for one entry can never both stand.
  const look = `${String(kind)} ${name}/`
  if (kind === Kind.Directory) return look
  if (kind === Kind.Symlink) return look + (tree.targets.get(index) ?? '')
  return `${look}${String(tree.sizes[index])} ${String(executableBits(modeOf(tree, index)))}`
}

async function compareWithFirst(groups: readonly Group[], compare: Compare): Promise<Group[]> {
  const pairs = groups.flatMap(({ claims, members }) => {
    const [first = 0, ...others] = members
    const from = fileOf(claims[first] as Claim)
    return others.map((other) => [from, fileOf(claims[other] as Claim)] as const)
  })
  const answers = await comparePairs(compare, pairs)
  let answer = 0
  return groups.flatMap(({ claims, agreement, members }) => {
    const [first = 0, ...others] = members
    const differing = others.filter((other) => {
      const differs = answers[answer++] === Equality.Differ
      if (!differs) agreement[other] = first
      return differs
    })
    return differing.length > 1 ? [{ claims, agreement, members: differing }] : []
  })
}

function fileOf({ tree, index }: Claim): Origin {
  return originOf(tree, index)
}

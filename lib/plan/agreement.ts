import { Equality, Kind } from '../host/host'
import { executableBits, kindOf, type Claim, type Claims } from './claims'
import { comparePairs, type Compare, type FileAt } from './compare'
import { originOf } from './plan'

/** Which claims want the same: one number a claim, the same for all that agree. Directories agree, they merge. */
export type Agreement = readonly number[]

/** Claims of one list that look alike until their bytes are read: positions in the list. */
interface Group {
  readonly claims: Claims
  readonly agreement: number[]
  readonly members: readonly number[]
}

/** For each list of claims: who agrees with whom? Bytes are read only where all else is equal. */
export async function agree(lists: readonly Claims[], compare: Compare): Promise<Agreement[]> {
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
  for (let groups = open; groups.length > 0;) groups = await compareWithFirst(groups, compare)
  return agreements
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
  return `${look}${String(tree.sizes[index])} ${String(executableBits(tree.modes[index]))}`
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

function fileOf({ tree, index }: Claim): FileAt {
  return originOf(tree, index)
}

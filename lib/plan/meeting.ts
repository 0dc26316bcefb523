import { joinPath, Kind } from '../host/host'
import { preOrder } from '../traversal'
import type { LearnSizes } from '../scan/sizes'
import { agree } from './agreement'
import { claimsOf, kindOf, type Claims, type Provider } from './claims'
import type { Compare } from './compare'
import type { Contest } from './contest'
import type { Digest } from './digest'
import { lookAlikes } from './lookalikes'

/** A directory, and those that have it. */
export interface Gathering {
  /** '/'-joined below dest. */
  readonly path: string
  readonly providers: readonly Provider[]
}

/** What they want in it. */
export interface Meeting extends Gathering {
  /** By name; under one of them where several names are one entry to dest. */
  readonly contests: Map<string, Contest>
  /** Names that look alike. */
  readonly doubtful: readonly (readonly string[])[]
  /** By name: the directories in it that several have. Empty where nobody looked ahead. */
  readonly below: Map<string, Meeting>
}

/** How files are told apart. */
export interface MeetContext {
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
export async function meet(
  gatherings: readonly Gathering[],
  how: MeetContext,
  lookAhead: boolean,
): Promise<Meeting[]> {
  const meetings = await meetHere(gatherings, how)
  for (let level = meetings; lookAhead && level.length > 0;) {
    const rooms = level.flatMap((meeting) =>
      sharedIn(meeting).map((gathering) => ({ above: meeting, gathering })),
    )
    level = await meetHere(
      rooms.map(({ gathering }) => gathering),
      how,
    )
    level.forEach((meeting, index) => {
      const name = meeting.path.slice(meeting.path.lastIndexOf('/') + 1)
      rooms[index]?.above.below.set(name, meeting)
    })
  }
  return meetings
}

/** A meeting and all below it, the one above first. */
export function eachMeeting(meeting: Meeting): Generator<Meeting> {
  return preOrder(meeting, ({ below }) => below.values())
}

async function meetHere(
  gatherings: readonly Gathering[],
  { compare, digest, learnSizes }: MeetContext,
): Promise<Meeting[]> {
  const wanted = gatherings.map(({ providers }) => claimsOf(providers))
  const contested = wanted.flatMap((claims) => [...claims.values()].filter(isContested))
  await learnSizes(contested.flatMap((claims) => claims.map(({ tree }) => tree)))
  const answers = await agree(contested, compare, digest)
  const agreements = new Map(contested.map((claims, index) => [claims, answers[index]]))
  return gatherings.map(({ path, providers }, index): Meeting => {
    const contests = new Map<string, Contest>()
    for (const [name, claims] of wanted[index] ?? []) {
      const alike = claims.length === 1 ? single : claims.map(() => 0)
      contests.set(name, { claims, agreement: agreements.get(claims) ?? alike, told: none })
    }
    const doubtful = lookAlikes([...contests.keys()])
    return { path, providers, contests, doubtful, below: new Map() }
  })
}

/** Several want the name, and not all of them a directory. */
function isContested(claims: Claims): boolean {
  return claims.length > 1 && claims.some((claim) => kindOf(claim) !== Kind.Directory)
}

function sharedIn({ path, contests }: Meeting): Gathering[] {
  return [...contests].flatMap(([name, { claims }]) => {
    const providers = claims.flatMap(({ source, child }) =>
      child === undefined ? [] : [{ source, tree: child }],
    )
    return providers.length > 1 ? [{ path: joinPath(path, name), providers }] : []
  })
}

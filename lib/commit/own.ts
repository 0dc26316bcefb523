import { joinPath, type Host, type NamesJob, type Place } from '../host/host'
import type { PlanDirectory } from '../plan/plan'
import { asWhole } from '../plan/whole-directory'
import type { KnownEntry, OwnDirectory } from '../records'
import { identify, type Standing } from './standing'

interface Growing {
  identity: OwnDirectory['identity']
  readonly directories: Map<string, Growing>
  files: Map<string, KnownEntry> | undefined
}

/** Where the twin of a directory of dest lies. */
export type PlaceOf = (path: string) => Place

/** A directory that is published whole. */
export interface Whole {
  readonly plan: PlanDirectory
  /** '/'-joined below the staged tree. */
  readonly path: string
}

/**
 * What lies in staged directories, so that undo knows it again. `withFiles`: each file too, where times do not show it. One
 * look at each directory, and none at the files otherwise.
 */
export async function ownDirectories(
  host: Host,
  fresh: PlaceOf,
  wholes: readonly Whole[],
  withFiles: boolean,
): Promise<OwnDirectory[]> {
  const jobs: NamesJob[] = []
  const notes: ((found: (Standing | undefined)[], first: number) => void)[] = []
  const roots = wholes.map(() => newGrowing())
  const waiting = wholes.map(({ plan, path }, index) => ({
    plan,
    path,
    own: roots[index] as Growing,
  }))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { plan, path, own } = next
    // Whole ones stay whole: what is in them is shown by copies.
    const shown = asWhole(plan)?.copy() ?? plan
    const names = [...shown.directories.keys()]
    for (const [name, child] of shown.directories) {
      const growing = newGrowing()
      own.directories.set(name, growing)
      waiting.push({ plan: child, path: joinPath(path, name), own: growing })
    }
    const directories = names.length
    if (withFiles) for (const name of fileNames(shown)) names.push(name)
    if (names.length === 0) continue
    jobs.push({ to: fresh(path), names })
    notes.push((found, first) => {
      names.forEach((name, index) => {
        const now = found[first + index]
        if (now === undefined) return
        if (index >= directories) (own.files ??= new Map()).set(name, now)
        else (own.directories.get(name) as Growing).identity = now
      })
    })
  }
  const found = await identify(host, jobs)
  let first = 0
  for (const [index, note] of notes.entries()) {
    note(found, first)
    first += jobs[index]?.names.length ?? 0
  }
  return roots
}

function newGrowing(): Growing {
  const identity = { ino: 0n, birth: 0n, handle: 0n }
  return { identity, directories: new Map(), files: undefined }
}

function* fileNames({ parts }: PlanDirectory): Generator<string> {
  for (const { tree, picks } of parts) for (const pick of picks) yield tree.names[pick] as string
}

import { randomBytes } from 'node:crypto'
import { SystemError } from '../errors'
import {
  below,
  entryOf,
  ownerAccess,
  pathOf,
  type Host,
  type NamesJob,
  type PairJob,
  type Place,
} from '../host/host'
import { throwIfFailed } from '../host/trees'
import { isSame, type OwnDirectory, type OwnEntry, type Round } from '../records'
import { collisions } from './collisions'
import { examine, type Examined } from './examine'
import { isUntouched, judge, judgeContent, type Verdict } from './judge'
import { leftAside, leftInDest, type Left } from './left'
import { find, inCalls, type Standing } from './standing'

/** Where the trees of a merge lie. */
export interface MergePlaces {
  readonly dest: Place
  /** Where what is staged for a directory of dest lies, and what it lost. `path`: '/'-joined below dest. */
  readonly twins: (path: string) => { readonly fresh: Place; readonly replaced: Place }
  /** A directory for what is taken back from a directory of dest; it is made when it is first asked for. */
  readonly taken: (path: string) => Promise<Place>
}

const entriesPerCall = 256

/** What has become of a name: nothing stands there, or something does; or nobody knows. */
type Slot = 'free' | 'taken' | 'failed'

/**
 * Takes back what a merge put into dest. What somebody else has made or changed since stays where it stands, with the
 * directories that hold it; nothing is ever moved over it.
 */
export class TakeBack {
  /** What stays, and what had no place to go back to. */
  readonly left: Left[] = []
  readonly failures: unknown[] = []
  /** Something that must not be removed lies in the staging directory. */
  isKept = false

  // Of its own, since what a recovery that was killed took back may lie there too.
  private readonly id = randomBytes(4).toString('hex')
  private count = 0
  private readonly ends = new Map<string, Promise<bigint | undefined>>()
  private readonly known = new WeakSet<OwnDirectory>()
  private readonly opened: { readonly to: Place; readonly name: string; readonly was: Standing }[] =
    []

  constructor(
    private readonly host: Host,
    private readonly places: MergePlaces,
  ) {}

  /** The last first. Every failure is reported; none keeps the others from it. */
  async run(rounds: readonly Round[]): Promise<void> {
    for (const { entries, time } of rounds.toReversed()) {
      for (let end = entries.length; end > 0; end -= entriesPerCall) {
        const some = entries.slice(Math.max(0, end - entriesPerCall), end).reverse()
        await this.attempt(() => this.takeBack(some, time))
      }
    }
    await this.attempt(() => this.close())
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.failures.push(error)
    }
  }

  private async takeBack(entries: readonly OwnEntry[], time: bigint): Promise<void> {
    const { dest } = this.places
    const jobs = entries.map(({ path, name }) => ({ to: below(dest, path), names: [name] }))
    const found = await this.find(jobs)
    const plain: OwnEntry[] = []
    for (const [index, entry] of entries.entries()) {
      await this.attempt(async () => {
        const now = found[index]
        const verdict = await this.judge(entry, now, time)
        if (verdict === 'ours' && !entry.isDirectory && entry.replaced === undefined) {
          plain.push(entry)
        } else await this.takeBackOne(entry, now, verdict, time)
      })
    }
    await this.takeFiles(plain)
  }

  private find(jobs: readonly NamesJob[]): Promise<(Standing | undefined)[]> {
    return find(this.host, jobs)
  }

  private async judge(
    entry: OwnEntry,
    now: Standing | undefined,
    time: bigint,
  ): Promise<Verdict | 'missing'> {
    if (now === undefined) return 'missing'
    const last = time === 0n ? undefined : await this.lastPublished(entry.path)
    return judge(entry, now, last)
  }

  /** When the last entry of a directory was published: its twin lost it then, and nobody else changes that. */
  private lastPublished(path: string): Promise<bigint | undefined> {
    let end = this.ends.get(path)
    if (end === undefined) {
      const { directory, name } = entryOf(this.places.twins(path).fresh)
      end = this.find([{ to: directory, names: [name] }]).then(([twin]) => twin?.ctime)
      this.ends.set(path, end)
    }
    return end
  }

  private async takeBackOne(
    entry: OwnEntry,
    now: Standing | undefined,
    verdict: Verdict | 'missing',
    time: bigint,
  ): Promise<void> {
    const { dest } = this.places
    const saved = await this.savedOf(entry)
    if (entry.isRemoval) {
      // Where it was not taken out yet, it still stands there.
      if (saved !== undefined) await this.putBack(entry, now === undefined ? 'free' : 'taken')
      return
    }
    // It was given a second name, and not yet replaced.
    if (now !== undefined && saved !== undefined && now.ino === saved.ino && verdict !== 'ours')
      return
    let at: Slot = verdict === 'missing' ? 'free' : 'taken'
    if (verdict === 'doubt') {
      // Where inode numbers alone would tell, another one stands there still if ours has not left its place.
      if (saved === undefined && (await this.isStillStaged(entry))) return
      const path = pathOf(below(dest, entry.path), entry.name)
      this.left.push(leftInDest(path, [path]))
    } else if (verdict === 'ours' && now !== undefined) {
      const isOver = !entry.isDirectory && entry.replaced?.name === entry.name
      if (isOver && saved !== undefined && (await this.putOver(entry, saved))) return
      at = entry.isDirectory
        ? await this.takeDirectory(entry, now, time)
        : await this.takeFile(entry)
    }
    if (saved !== undefined && at !== 'failed') await this.putBack(entry, at)
  }

  /** Publishing it would have moved it away. */
  private async isStillStaged({ path, name }: OwnEntry): Promise<boolean> {
    const [staged] = await this.find([{ to: this.places.twins(path).fresh, names: [name] }])
    return staged !== undefined
  }

  /** What stood there before, as it lies aside; undefined where it does not. */
  private async savedOf({ path, replaced, ...entry }: OwnEntry): Promise<Standing | undefined> {
    if (replaced === undefined) return undefined
    const { replaced: aside } = this.places.twins(path)
    const [saved] = await this.find([{ to: aside, names: [replaced.name] }])
    // Before names were swapped, or where they were swapped back.
    if (saved === undefined || isSame(entry, saved) === true) return undefined
    if (isSame(replaced.identity, saved) !== false) return saved
    // What a recovery that was killed has taken for ours in the last moment.
    this.keepAside(path, replaced.name)
    return undefined
  }

  private keepAside(path: string, name: string): void {
    const { dest, twins } = this.places
    this.isKept = true
    const kept = pathOf(twins(path).replaced, name)
    this.left.push(leftAside(pathOf(below(dest, path), name), kept))
  }

  /** Gives what was replaced its place again. */
  private async putBack({ path, name, replaced }: OwnEntry, at: Slot): Promise<void> {
    if (replaced === undefined) return
    const from = this.places.twins(path).replaced
    const to = below(this.places.dest, path)
    if (at === 'taken' && replaced.name === name) {
      this.keepAside(path, replaced.name)
      return
    }
    const job = { from, to, names: [replaced.name] }
    if (!(await this.rename(job))) this.keepAside(path, replaced.name)
  }

  /**
   * What was replaced takes the place of ours in one step, so that the path is never empty. True if the place is settled.
   */
  private async putOver(entry: OwnEntry, saved: Standing): Promise<boolean> {
    const { path, name } = entry
    const { replaced } = this.places.twins(path)
    const job = { from: replaced, to: below(this.places.dest, path), names: [name] }
    const { errnos } = await this.host.exchange([job])
    if (errnos[0] !== 0) return !saved.isDirectory && this.putOverBySecondName(entry, job)
    const [out] = await this.find([{ to: replaced, names: [name] }])
    if (out === undefined || judgeContent(entry, out) === 'ours') return true
    // Somebody has replaced ours in between.
    throwIfFailed([job], await this.host.exchange([job]))
    this.keepAside(path, name)
    return true
  }

  /** Where names cannot be swapped. */
  private async putOverBySecondName(entry: OwnEntry, over: PairJob): Promise<boolean> {
    const taken = await this.places.taken(entry.path)
    const toNames = [this.nextName()]
    const second = { from: over.to, to: taken, names: over.names, toNames }
    const { errnos } = await this.host.hardlink([second])
    if (errnos[0] !== 0) return false
    const [out] = await this.find([{ to: taken, names: toNames }])
    if (out === undefined || judgeContent(entry, out) !== 'ours') return false
    const outcomes = await this.host.rename([over], true)
    throwIfFailed([over], outcomes)
    return true
  }

  private nextName(): string {
    return `${this.id}-${this.count++}`
  }

  /** Moves without replacing; false where somebody else was there first. */
  private async rename(job: PairJob): Promise<boolean> {
    const outcomes = await this.host.rename([job], false)
    if (collisions.has(outcomes.errnos[0] ?? 0)) return false
    throwIfFailed([job], outcomes)
    return true
  }

  private async takeFile(entry: OwnEntry): Promise<Slot> {
    const [at = 'free'] = await this.takeFiles([entry])
    return at
  }

  /** Files without anything to put in their place. */
  private async takeFiles(entries: readonly OwnEntry[]): Promise<Slot[]> {
    const places: Slot[] = []
    const jobs: PairJob[] = []
    for (const { path, name } of entries) {
      const from = below(this.places.dest, path)
      const to = await this.places.taken(path)
      jobs.push({ from, to, names: [name], toNames: [this.nextName()] })
    }
    for (const call of inCalls(jobs)) {
      const outcomes = await this.host.rename(call, false)
      const found = await this.find(call.map(({ to, toNames = [] }) => ({ to, names: toNames })))
      for (const [index, job] of call.entries()) {
        await this.attempt(async () => {
          const number = outcomes.errnos[index] ?? 0
          const entry = entries[places.length] as OwnEntry
          const now = found[index]
          places.push('failed')
          if (number !== 0 && !collisions.has(number)) {
            const syscall = outcomes.syscall(index)
            const path = pathOf(job.from, job.names[0])
            throw new SystemError(number, { syscall, path, dest: pathOf(job.to, job.toNames?.[0]) })
          }
          const isOurs = now === undefined || judgeContent(entry, now) === 'ours'
          if (!isOurs) await this.giveBack(job)
          places[places.length - 1] = isOurs ? 'free' : 'taken'
        })
      }
    }
    return places
  }

  /** Somebody has put it there in the last moment: it was moved away, and is moved back. */
  private async giveBack({ from, to, names, toNames = names }: PairJob): Promise<void> {
    const path = pathOf(from, names[0])
    const isBack = await this.rename({ from: to, to: from, names: toNames, toNames: names })
    if (isBack) this.left.push(leftInDest(path, [path]))
    else {
      this.isKept = true
      this.left.push(leftAside(path, pathOf(to, toNames[0])))
    }
  }

  private async takeDirectory(entry: OwnEntry, now: Standing, time: bigint): Promise<Slot> {
    const { path, name, own } = entry
    const from = below(this.places.dest, path)
    const place = below(from, name)
    const last = time === 0n ? undefined : await this.lastPublished(path)
    const isAlone = isUntouched(now, last)
    await this.open(from, name, now)
    let found = await examine(this.host, place, own, time, isAlone, this.known)
    if (found.isClean) {
      const taken = await this.places.taken(path)
      const toNames = [this.nextName()]
      const job = { from, to: taken, names: [name], toNames }
      if (!(await this.rename(job))) return 'taken'
      const at = below(taken, toNames[0] ?? '')
      // Again, since somebody may have come in between.
      found = await examine(this.host, at, own, time, isAlone, this.known)
      if (found.isClean) return 'free'
      const back = { from: taken, to: from, names: toNames, toNames: [name] }
      if (!(await this.rename(back))) {
        this.isKept = true
        this.left.push(leftAside(pathOf(place), pathOf(at)))
        return 'taken'
      }
      found = await examine(this.host, place, own, time, isAlone, this.known)
    }
    await this.takeApart(path, found, time)
    return 'taken'
  }

  /** Takes what is ours out of directories that hold something else as well. */
  private async takeApart(path: string, root: Examined, time: bigint): Promise<void> {
    const theirs: string[] = []
    const taken = await this.places.taken(path)
    const waiting = [root]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const name of next.others) theirs.push(pathOf(next.place, name))
      for (const child of next.directories) if (!child.isClean) waiting.push(child)
      for (const name of await this.takeOut(next, taken, time)) {
        theirs.push(pathOf(next.place, name))
      }
    }
    this.left.push(leftInDest(pathOf(root.place), theirs.sort()))
  }

  /** Answers the names of what turned out to be another's in the last moment. */
  private async takeOut(
    { place, files, directories }: Examined,
    taken: Place,
    time: bigint,
  ): Promise<string[]> {
    const whole = new Map<string, Examined>()
    for (const child of directories) {
      if (child.isClean) whole.set(entryOf(child.place).name, child)
    }
    const names = [...files, ...whole.keys()]
    const before = await this.find([{ to: place, names }])
    const known = new Map(names.map((name, index) => [name, before[index]]))
    for (const name of whole.keys()) await this.open(place, name, known.get(name))
    const theirs: string[] = []
    const toNames = names.map(() => this.nextName())
    for (const [job] of inCalls([{ from: place, to: taken, names, toNames }])) {
      if (job === undefined) continue
      const outcomes = await this.host.rename([job], false)
      const now = await this.find([{ to: taken, names: job.toNames }])
      for (const [index, name] of job.names.entries()) {
        const number = outcomes.errnos[index] ?? 0
        if (number !== 0 && !collisions.has(number)) {
          const path = pathOf(place, name)
          throw new SystemError(number, { syscall: outcomes.syscall(index), path })
        }
        const [was, is] = [known.get(name), now[index]]
        const as = job.toNames[index] ?? ''
        if (is === undefined) continue
        const isSameEntry = was !== undefined && judgeContent(was, is) === 'ours'
        if (isSameEntry && (await this.isStillClean(whole.get(name), below(taken, as), time)))
          continue
        await this.giveBack({ from: place, to: taken, names: [name], toNames: [as] })
        theirs.push(name)
      }
    }
    return theirs
  }

  /** It was before it was moved; somebody may have come in between. */
  private async isStillClean(
    child: Examined | undefined,
    place: Place,
    time: bigint,
  ): Promise<boolean> {
    if (child === undefined) return true
    const { own, isUntouched: isAlone } = child
    return (await examine(this.host, place, own, time, isAlone, this.known)).isClean
  }

  /** A directory without u+rwx can neither be read nor moved. */
  private async open(to: Place, name: string, now: Standing | undefined): Promise<void> {
    if (now === undefined || (now.mode & ownerAccess) === ownerAccess) return
    const jobs = [{ to, names: [name], modes: Uint32Array.of((now.mode & 0o777) | ownerAccess) }]
    throwIfFailed(jobs, await this.host.chmod(jobs))
    this.opened.push({ to, name, was: now })
  }

  /** What stays gets its own mode again. */
  private async close(): Promise<void> {
    for (const { to, name, was } of this.opened.reverse()) {
      const [now] = await this.find([{ to, names: [name] }])
      if (now === undefined || judgeContent(was, now) !== 'ours') continue
      const jobs = [{ to, names: [name], modes: Uint32Array.of(was.mode & 0o777) }]
      throwIfFailed(jobs, await this.host.chmod(jobs))
    }
  }
}

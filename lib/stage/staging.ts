import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { endLive, livePrefix, setLive } from './live'
import { debug } from '../debug'
import { errno, errnoOf } from '../errno'
import { SystemError, throwAfter } from '../errors'
import {
  below,
  entryOf,
  joinPath,
  Kind,
  ownerAccess,
  pathOf,
  type Directory,
  type Host,
  type Outcomes,
  type Place,
} from '../host/host'
import { refusals, type KeptAttributes } from '../host/kept-attributes'
import {
  makeDirectories,
  makePath,
  removeTree,
  removeTrees,
  throwIfFailed,
  type NewDirectory,
} from '../host/trees'
import {
  currentOwner,
  findableIds,
  freshName,
  fromMarkText,
  journalName,
  isMarkName,
  markNameOf,
  modesName,
  nestedName,
  nestedNameOf,
  replacedName,
  stagingNameOf,
  toMarkText,
  toModesText,
  toNestedText,
  toText,
  type OtherStaging,
  type Restriction,
  type Round,
  type StagingState,
} from '../records'
import { Allocation } from './allocation'
import { fence } from './fence'
import { nestedIn, twinsAt } from './nested'

/** Where a tree is staged. */
export interface StageTarget {
  /** Mirrors dest. */
  readonly fresh: Place
  /** A directory of this merge, to try things in. */
  readonly scratch: Place
}

interface Hosts {
  readonly host: Host
  /** The one to remove with: it goes on after an abort. */
  readonly notAborted: Host
  /** Learnt in the new directory. */
  readonly kept: KeptAttributes
}

/**
 * The directory in which the union is built, on dest's file system and unseen by readers: mode 0700. `new/` holds what is to be published, `old/` what was replaced; what is
 * staged early, and what names are tried with, lies beside them.
 */
export class Staging implements StageTarget {
  private rooms = 0
  private records = 0
  private filled: Place | undefined
  /** Paths in `old/`, by staging directory. */
  private readonly madeInOld = new Map<number, Set<string>>()
  private readonly takenPlaces = new Map<number, Promise<Place>>()
  private state: StagingState = ''
  private isLocked = false
  /** In its name from then on, and in those of others that are inside directories of dest. */
  private readonly id: string

  private lists = 0
  /** Directories of dest that have a staging directory of this merge inside: paths below dest. The first has number 1. */
  private readonly nested: string[] = []

  private parent: Directory
  private readonly madeAt: string

  private constructor(
    private readonly hosts: Hosts,
    /** Where it was made. */
    private readonly home: Directory,
    /** In its name, for as long as it stands there, and counts for nothing. */
    private readonly homeId: string,
    private readonly directory: Directory,
    /** Where dest's own place is in `new/`: the names from the parent to dest. */
    readonly prefix: string,
    private readonly allocation: Allocation,
  ) {
    this.parent = home
    this.madeAt = homePath(home, homeId)
    this.id = prefix === '' ? homeId : newId()
  }

  /** `parent`: dest, or the nearest directory above it that exists; `missing`: the names between. */
  static async make(
    hosts: Hosts,
    parent: Directory,
    missing: readonly string[],
    allocation = new Allocation(),
  ): Promise<Staging> {
    for (;;) {
      const made = await this.tryToMake(hosts, parent, missing, allocation)
      if (made !== undefined) return made
    }
  }

  /** Undefined where somebody took it for abandoned before it was held, and has it removed. */
  private static async tryToMake(
    hosts: Hosts,
    parent: Directory,
    missing: readonly string[],
    allocation: Allocation,
  ): Promise<Staging | undefined> {
    const prefix = missing.join('/')
    const found = prefix === '' ? [] : findableIds(prefix)
    for (const id of [...found, newId()]) {
      const path = homePath(parent, id)
      if (livePrefix(path) !== undefined) continue
      setLive(path, prefix)
      let made: Staging | 'taken' | undefined
      try {
        made = await this.makeNamed(hosts, parent, missing, { id, allocation })
      } finally {
        if (!(made instanceof Staging)) endLive(path)
      }
      if (made !== 'taken') return made
    }
    return undefined
  }

  private static async makeNamed(
    hosts: Hosts,
    parent: Directory,
    missing: readonly string[],
    { id, allocation }: { readonly id: string; readonly allocation: Allocation },
  ): Promise<Staging | 'taken' | undefined> {
    const name = stagingNameOf(id, '')
    const at = { base: parent, path: '' }
    const job = { to: at, names: [name], modes: Uint32Array.of(ownerAccess) }
    const exact = await hosts.host.mkdir([job], true)
    // Whether that is the way of this file system is learnt in a directory that is as it was made.
    const isRefused = refusals.has(exact.errnos[0] ?? 0) && exact.syscall(0) !== 'mkdir'
    const made = isRefused ? await hosts.host.mkdir([job], false) : exact
    const number = made.errnos[0] ?? 0
    if (number === errno.EEXIST) return 'taken'
    // It was made, but somebody removed it before it had its mode.
    if (number === errno.ENOENT && made.syscall(0) !== 'mkdir') return undefined
    const failed = (outcomes: Outcomes): SystemError => {
      const hint = 'The staging directory is made there, on the file system of dest'
      const syscall = outcomes.syscall(0)
      return new SystemError(outcomes.errnos[0] ?? 0, { syscall, path: pathOf(at, name), hint })
    }
    if (number !== 0) throw failed(made)
    try {
      const directory = await hosts.host.open({ base: parent, path: name })
      const staging = new Staging(hosts, parent, id, directory, missing.join('/'), allocation)
      if (await staging.hold()) {
        debug('staging in %s', directory.path)
        return await staging.furnish(missing, isRefused ? failed(exact) : undefined)
      }
      await staging.close()
      return undefined
    } catch (error) {
      const isGone =
        errnoOf(error) === errno.ENOENT && (await isMissing(hosts.notAborted, at, name))
      if (isGone) return undefined
      return throwAfter(error, () => removeTree(hosts.notAborted, at, name))
    }
  }

  /** As long as this process lives: tells others that the directory is in use. False where one of them has it. */
  private async hold(): Promise<boolean> {
    for (;;) {
      const number = this.hosts.host.tryLock(this.directory)
      this.isLocked = number === 0
      if (number !== errno.EINTR) return number !== errno.EWOULDBLOCK
      await nextTurn()
    }
  }

  /** `refusal`: of its mode. */
  private async furnish(
    missing: readonly string[],
    refusal: SystemError | undefined,
  ): Promise<this> {
    const { host, kept } = this.hosts
    try {
      await kept.learn(this.directory)
      if (refusal !== undefined && !kept.refusesModes) throw refusal
      // First, so that whose it is, is known before anything else is in it.
      await this.mark()
      await makeDirectories(host, this.scratch, [
        { path: freshName, mode: ownerAccess },
        { path: replacedName, mode: ownerAccess },
      ])
      // What lies between is made like mkdir -p would.
      for (let depth = 1; depth < missing.length; depth++) {
        const path = missing.slice(0, depth).join('/')
        await makeDirectories(host, this.published, [{ path, mode: undefined }])
      }
      return this
    } catch (error) {
      return throwAfter(error, () => this.close())
    }
  }

  /** What it is, as no copy and no package can tell it: its own inode is named in it. */
  private async mark(): Promise<void> {
    const { host } = this.hosts
    const job = { to: { base: this.parent, path: '' }, names: [this.name] }
    const stats = await host.identify([job])
    throwIfFailed([job], stats)
    if (stats.kinds[0] === Kind.Missing) {
      const path = pathOf(job.to, this.name)
      throw new SystemError(errno.ENOENT, { syscall: 'fstat', path })
    }
    const identity = {
      ino: stats.identities[1] ?? 0n,
      birth: stats.lasting[0] ?? 0n,
      handle: stats.lasting[1] ?? 0n,
    }
    const mark = { ...currentOwner(this.isLocked), dest: this.prefix }
    await this.writeRecord(host, this.scratch, markNameOf(identity), toMarkText(mark))
  }

  private get name(): string {
    const isAsMade = this.state === '' && this.parent === this.home
    return stagingNameOf(isAsMade ? this.homeId : this.id, this.state)
  }

  /** Mirrors `parent`. */
  get published(): Place {
    return { base: this.directory, path: freshName }
  }

  /** Mirrors dest: what is to be published. */
  get fresh(): Place {
    return below(this.published, this.prefix)
  }

  /** Where what is staged for a directory of dest lies, and what it lost. */
  twins(path: string): { fresh: Place; replaced: Place } {
    return twinsAt(this.placeOf(this.allocation.of(path)), this.prefix, path)
  }

  /** A directory for what is taken back from a directory of dest. */
  taken(path: string): Promise<Place> {
    const number = this.allocation.of(path)
    let taken = this.takenPlaces.get(number)
    if (taken === undefined) {
      taken = takenPlace(this.hosts.notAborted, this.placeOf(number))
      this.takenPlaces.set(number, taken)
    }
    return taken
  }

  /** A staging directory of this merge, by its number: 0 is this one. */
  private placeOf(number: number): Place {
    const inside = this.nested[number - 1]
    if (inside === undefined) return this.scratch
    const path = joinPath(joinPath(this.prefix, inside), nestedNameOf(this.id))
    return { base: this.home, path }
  }

  /** Those inside directories of dest. */
  get nestedPlaces(): Place[] {
    return this.nested.map((_, index) => this.placeOf(index + 1))
  }

  /** Where that is staged which has this number. */
  target(number: number): StageTarget {
    const scratch = this.placeOf(number)
    return { fresh: twinsAt(scratch, this.prefix, '').fresh, scratch }
  }

  /**
   * Makes a staging directory inside each of these directories: paths below dest. Answers their numbers. They are listed
   * before they are made, so that they are removed with this one whenever this process is killed.
   */
  async nest(paths: readonly string[]): Promise<number[]> {
    const { host } = this.hosts
    const list = nestedName + String(this.lists++)
    const nestedPaths = paths.map((path) => joinPath(path, nestedNameOf(this.id)))
    await this.writeRecord(host, this.scratch, list, toNestedText(nestedPaths))
    const first = this.nested.length + 1
    for (const path of paths) this.nested.push(path)
    const home = { base: this.home, path: '' }
    const made = paths.map((_, index) => this.placeOf(first + index).path)
    const toPrivate = (path: string): NewDirectory => ({ path, mode: ownerAccess })
    await makeDirectories(host, home, made.map(toPrivate))
    for (const name of [freshName, replacedName]) {
      const all = made.map((path) => toPrivate(joinPath(path, name)))
      await makeDirectories(host, home, all)
    }
    debug('staging in %s too', made.join(', '))
    return paths.map((_, index) => first + index)
  }

  /** Numbers of nested staging directories that are not there any more. */
  async lost(): Promise<ReadonlySet<number>> {
    const jobs = this.nestedPlaces.map((place) => {
      const { directory, name } = entryOf(place)
      return { to: directory, names: [name] }
    })
    const { kinds } = await this.hosts.host.stat(jobs)
    const numbers = jobs.map((_, index) => index + 1)
    return new Set(numbers.filter((_, index) => kinds[index] !== Kind.Directory))
  }

  /** They stay on the list, so that anyone who sweeps looks for them again. What counts, or is kept, stays. */
  async removeNested(): Promise<void> {
    if (this.state !== '') return
    for (const place of this.nestedPlaces) {
      const { directory, name } = entryOf(place)
      await removeNestedTree(this.hosts.notAborted, directory, name)
    }
  }

  private get stagings(): OtherStaging[] {
    if (this.nested.length === 0) return []
    const directories = this.allocation.directories
    return ['', ...this.nested].map((path, number) => {
      return { path, directories: directories.get(number) ?? [] }
    })
  }

  /** A name beside the staged trees, to try things with. */
  get scratch(): Place {
    return { base: this.directory, path: '' }
  }

  /** A new empty directory beside the staged tree. */
  async makeRoom(): Promise<Place> {
    const path = `room-${String(this.rooms++)}`
    await makeDirectories(this.hosts.host, this.scratch, [{ path, mode: ownerAccess }])
    return below(this.scratch, path)
  }

  /** Removes one of them with all that is in it. */
  async removeRoom(room: Place): Promise<void> {
    const { directory, name } = entryOf(room)
    await removeTree(this.hosts.notAborted, directory, name)
  }

  /** Makes the place in `old/` for what a directory loses. */
  async makeReplaced(path: string): Promise<void> {
    const whole = joinPath(this.prefix, path)
    if (whole === '') return
    const number = this.allocation.of(path)
    let made = this.madeInOld.get(number)
    if (made === undefined) this.madeInOld.set(number, (made = new Set()))
    await makePath(this.hosts.host, below(this.placeOf(number), replacedName), whole, made)
  }

  /** ns, by the clock of the file system: see `Round.time`. */
  fence(): Promise<bigint> {
    return fence(this.hosts.host, this.scratch)
  }

  /** One record a round. It has its name only when it is written to its end, and `sync` has been called. */
  async write(round: Round, sync: () => Promise<void>): Promise<void> {
    const { host } = this.hosts
    const number = this.records++
    if (number === 0) {
      await makeDirectories(host, this.scratch, [{ path: journalName, mode: ownerAccess }])
    }
    const at = below(this.scratch, journalName)
    const { prefix, stagings } = this
    const name = String(number)
    await this.writeRecord(host, at, `${name}.part`, toText({ prefix, stagings, round }))
    await sync()
    const job = { from: at, to: at, names: [`${name}.part`], toNames: [name] }
    throwIfFailed([job], await host.rename([job], true))
  }

  /** What is left to do once one rename has made dest. */
  async writeModes(restrictions: readonly Restriction[]): Promise<void> {
    await this.writeRecord(this.hosts.host, this.scratch, modesName, toModesText(restrictions))
  }

  private async writeRecord(host: Host, at: Place, name: string, text: string): Promise<void> {
    const { errno: failed, syscall } = await host.writeRecord(at, name, text)
    if (failed !== 0) throw new SystemError(failed, { syscall, path: pathOf(at, name) })
  }

  /**
   * What is written down counts from now on, and everybody who sees dest sees that. One rename, so that it is done or not,
   * whenever this process is killed. Where dest was missing and is there by now, the directory moves into it.
   */
  begin(dest: Directory): Promise<void> {
    return this.become(this.hosts.host, '-begun', dest)
  }

  /**
   * What is written down counts no more: dest is as it is to be, or as it was. It stays in dest, since another one may have
   * the name by now that it had above dest.
   */
  settle(): Promise<void> {
    return this.become(this.hosts.host, '')
  }

  /** The same when dest has been put back, also after an abort. */
  withdraw(): Promise<void> {
    return this.become(this.hosts.notAborted, '')
  }

  /** The records count again. */
  reopen(dest: Directory): Promise<void> {
    return this.become(this.hosts.notAborted, '-begun', dest)
  }

  /** What lies in `old/`, and what was taken back, has no place to go to: it stays, and nothing else counts. */
  keep(): Promise<void> {
    return this.become(this.hosts.notAborted, '-kept')
  }

  private async become(host: Host, state: StagingState, into?: Directory): Promise<void> {
    if (this.state === state) return
    const moves = into !== undefined && into !== this.home && this.parent === this.home
    // Anyone who gave it may close it before this directory is removed from there.
    const parent = moves ? await host.open({ base: into, path: '' }) : this.parent
    const from = { base: this.parent, path: '' }
    const to = { base: parent, path: '' }
    const toName = stagingNameOf(this.id, state)
    try {
      // Nobody else has that name, so that nothing can be replaced.
      const job = { from, to, names: [this.name], toNames: [toName] }
      throwIfFailed([job], await host.rename([job], true))
    } catch (error) {
      if (!moves) throw error
      return throwAfter(error, () => this.hosts.notAborted.close(parent))
    }
    this.directory.path = pathOf(to, toName)
    this.parent = parent
    this.state = state
  }

  /** Where it stands, for messages. */
  get path(): string {
    return pathOf({ base: this.parent, path: '' }, this.name)
  }

  /** Directories of dest that were moved aside, into which somebody has put something since: nothing of this is removed. */
  async keepFilled(places: readonly Place[]): Promise<void> {
    const [filled] = places
    if (filled === undefined) return
    this.filled ??= filled
    await this.keep()
  }

  /** Tries twice, so that a passing failure leaves nothing behind. What counts, or is kept, stays. */
  async remove(): Promise<void> {
    const { notAborted } = this.hosts
    const remove = (): Promise<void> => removeStaging(notAborted, this.parent, this.name)
    try {
      if (this.filled !== undefined) throw this.filledError(this.filled)
      if (this.state === '') await remove().catch(remove)
    } finally {
      await this.close()
    }
  }

  private filledError(place: Place): SystemError {
    const path = joinPath(this.path, place.path)
    const hint =
      'It was a directory of dest that was replaced or removed; something has been put into it since, and is kept there'
    return new SystemError(errno.ENOTEMPTY, { syscall: 'rmdir', path, hint })
  }

  async close(): Promise<void> {
    endLive(this.madeAt)
    const { notAborted } = this.hosts
    try {
      if (this.parent !== this.home) await notAborted.close(this.parent)
    } finally {
      await notAborted.close(this.directory)
    }
  }
}

function homePath(parent: Directory, id: string): string {
  return pathOf({ base: parent, path: '' }, stagingNameOf(id, ''))
}

function newId(): string {
  return randomBytes(8).toString('hex')
}

/** A directory for what is taken back, in a staging directory. */
export async function takenPlace(host: Host, start: Place): Promise<Place> {
  const made = [{ path: takenName, mode: ownerAccess }]
  await makeDirectories(host, start, made, { allowed: errno.EEXIST })
  return below(start, takenName)
}

const takenName = 'taken'

/**
 * What counts for its own dest alone goes first: should this be cut off, the rest is anybody's to remove. Then what lies in
 * `old/`: which of it may hold something of others is known only as long as the journal is there. The mark goes last, since
 * nothing without one is removed.
 */
export async function removeStaging(host: Host, parent: Directory, name: string): Promise<void> {
  const staging = { base: parent, path: name }
  const [listing] = await host.list([staging])
  if (listing === undefined || listing.errno === errno.ENOENT) return
  if (listing.errno !== 0) {
    throw new SystemError(listing.errno, { syscall: listing.syscall, path: pathOf(staging) })
  }
  const unlink = async (files: readonly string[]): Promise<void> => {
    if (files.length === 0) return
    const jobs = [{ to: staging, names: files }]
    throwIfFailed(jobs, await host.unlink(jobs), errno.ENOENT)
  }
  const { names, kinds } = listing
  if (names.includes(modesName)) await unlink([modesName])
  if (names.includes(`${nestedName}0`))
    await removeNested(host, parent, name, names.find(isMarkName))
  const others = names.filter((each) => !isMarkName(each) && each !== modesName)
  const isDirectory = new Set(names.filter((_, index) => kinds[index] === Kind.Directory))
  if (isDirectory.delete(replacedName)) await removeTree(host, staging, replacedName)
  await removeTrees(
    host,
    staging,
    others.filter((each) => isDirectory.has(each)),
  )
  await unlink(others.filter((each) => !isDirectory.has(each) && each !== replacedName))
  await removeTree(host, { base: parent, path: '' }, name)
}

/** Where a directory in which one stood is gone, or something else by now, there is none. */
async function removeNested(
  host: Host,
  parent: Directory,
  name: string,
  mark: string | undefined,
): Promise<void> {
  const staging = { base: parent, path: name }
  const text = mark === undefined ? undefined : await host.readRecord(staging, mark)
  const prefix = text?.errno === 0 ? prefixOf(text.text) : ''
  for (const path of await nestedIn(host, staging)) {
    // Once dest is there the staging directory may stand in it, or where dest was missing before.
    for (const at of new Set([path, joinPath(prefix, path)])) {
      const { directory, name: last } = entryOf({ base: parent, path: at })
      await removeNestedTree(host, directory, last)
    }
  }
}

/** Fine where it is gone, or what it stood in is no directory any more. */
async function removeNestedTree(host: Host, at: Place, name: string): Promise<void> {
  try {
    await removeTree(host, at, name)
  } catch (error) {
    if (!gone.has(errnoOf(error))) throw error
  }
}

const gone: ReadonlySet<number | undefined> = new Set([errno.ENOENT, errno.ENOTDIR, errno.ELOOP])

function prefixOf(mark: string): string {
  try {
    return fromMarkText(mark).dest
  } catch {
    return ''
  }
}

async function isMissing(host: Host, at: Place, name: string): Promise<boolean> {
  const { kinds } = await host.stat([{ to: at, names: [name] }])
  return kinds[0] === Kind.Missing
}

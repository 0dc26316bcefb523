import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { endLive, setLive } from './live'
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
import { makeDirectories, makePath, removeTree, throwIfFailed } from '../host/trees'
import {
  currentOwner,
  freshName,
  journalName,
  markName,
  modesName,
  replacedName,
  stagingNameOf,
  toMarkText,
  toModesText,
  toText,
  type OtherStaging,
  type Restriction,
  type Round,
  type StagingState,
} from '../records'
import { fence } from './fence'

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
  readonly steady: Host
  /** Learnt in the new directory. */
  readonly kept: KeptAttributes
}

/**
 * The directory in which the union is built, on dest's file system and unseen by readers: mode 0700,
 * with a name that nobody can guess. `new/` holds what is to be published, `old/` what was replaced; what is
 * staged early, and what names are tried with, lies beside them.
 */
export class Staging implements StageTarget {
  private rooms = 0
  private records = 0
  private readonly emptied: Place[] = []
  /** Paths in `old/`. */
  private readonly madeInOld = new Set<string>()
  private takenPlace: Promise<Place> | undefined
  private state: StagingState = ''
  private isLocked = false

  private parent: Directory

  private constructor(
    private readonly hosts: Hosts,
    /** Where it was made. */
    private readonly home: Directory,
    private readonly id: string,
    private readonly directory: Directory,
    /** Where dest's own place is in `new/`: the names from the parent to dest. */
    readonly prefix: string,
  ) {
    this.parent = home
  }

  /** `parent`: dest, or the nearest directory above it that exists; `missing`: the names between. */
  static async make(hosts: Hosts, parent: Directory, missing: readonly string[]): Promise<Staging> {
    for (;;) {
      const made = await this.tryToMake(hosts, parent, missing)
      if (made !== undefined) return made
    }
  }

  /** Undefined where somebody took it for abandoned before it was held, and has it removed. */
  private static async tryToMake(
    hosts: Hosts,
    parent: Directory,
    missing: readonly string[],
  ): Promise<Staging | undefined> {
    const id = randomBytes(8).toString('hex')
    setLive(id, missing.join('/'))
    let made: Staging | undefined
    try {
      return (made = await this.makeNamed(hosts, parent, missing, id))
    } finally {
      if (made === undefined) endLive(id)
    }
  }

  private static async makeNamed(
    hosts: Hosts,
    parent: Directory,
    missing: readonly string[],
    id: string,
  ): Promise<Staging | undefined> {
    const name = stagingNameOf(id, '')
    const at = { base: parent, path: '' }
    const job = { to: at, names: [name], modes: Uint32Array.of(ownerAccess) }
    const exact = await hosts.host.mkdir([job], true)
    // Whether that is the way of this file system is learnt in a directory that is as it was made.
    const isRefused = refusals.has(exact.errnos[0] ?? 0) && exact.syscall(0) !== 'mkdir'
    const made = isRefused ? await hosts.host.mkdir([job], false) : exact
    const number = made.errnos[0] ?? 0
    // It was made, but somebody removed it before it had its mode.
    if (number === errno.ENOENT && made.syscall(0) !== 'mkdir') return undefined
    const failed = (outcomes: Outcomes): SystemError => {
      const hint = 'The staging directory is made here, on the file system of dest'
      const syscall = outcomes.syscall(0)
      return new SystemError(outcomes.errnos[0] ?? 0, { syscall, path: pathOf(at, name), hint })
    }
    if (number !== 0) throw failed(made)
    try {
      const directory = await hosts.host.open({ base: parent, path: name })
      const staging = new Staging(hosts, parent, id, directory, missing.join('/'))
      if (await staging.hold()) {
        debug('staging in %s', directory.path)
        return await staging.furnish(missing, isRefused ? failed(exact) : undefined)
      }
      await staging.close()
      return undefined
    } catch (error) {
      const isGone = errnoOf(error) === errno.ENOENT && (await isMissing(hosts.steady, at, name))
      if (isGone) return undefined
      return throwAfter(error, () => removeTree(hosts.steady, at, name))
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
    await this.writeRecord(host, this.scratch, markName, toMarkText(this.id, identity, mark))
  }

  private get name(): string {
    return stagingNameOf(this.id, this.state)
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
    const whole = joinPath(this.prefix, path)
    return { fresh: below(this.published, whole), replaced: below(this.oldPlace, whole) }
  }

  /** A directory for what is taken back. */
  taken(): Promise<Place> {
    this.takenPlace ??= takenPlace(this.hosts.steady, this.directory)
    return this.takenPlace
  }

  /** Staging directories elsewhere that belong to this one. */
  readonly others: readonly OtherStaging[] = []

  private get oldPlace(): Place {
    return { base: this.directory, path: replacedName }
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
    await removeTree(this.hosts.steady, directory, name)
  }

  /** Makes the place in `old/` for what a directory loses. */
  async makeReplaced(path: string): Promise<void> {
    const whole = joinPath(this.prefix, path)
    if (whole !== '') await makePath(this.hosts.host, this.oldPlace, whole, this.madeInOld)
  }

  /** ns, by the clock of the file system: see `Round.time`. */
  fence(): Promise<bigint> {
    return fence(this.hosts.host, this.scratch)
  }

  /** One record a round. It has its name only when it is written to its end. */
  async write(round: Round): Promise<void> {
    const { host } = this.hosts
    const number = this.records++
    if (number === 0) {
      await makeDirectories(host, this.scratch, [{ path: journalName, mode: ownerAccess }])
    }
    const at = below(this.scratch, journalName)
    const { prefix, others } = this
    const name = String(number)
    await this.writeRecord(host, at, `${name}.part`, toText({ prefix, others, round }))
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

  /** What is written down counts no more: dest is as it is to be, or as it was. */
  settle(): Promise<void> {
    return this.become(this.hosts.host, '', this.home)
  }

  /** The same when dest has been put back, also after an abort. */
  withdraw(): Promise<void> {
    return this.become(this.hosts.steady, '', this.home)
  }

  /** The records count again. */
  reopen(dest: Directory): Promise<void> {
    return this.become(this.hosts.steady, '-begun', dest)
  }

  /** What lies in `old/`, and what was taken back, has no place to go to: it stays, and nothing else counts. */
  keep(): Promise<void> {
    return this.become(this.hosts.steady, '-kept')
  }

  private async become(host: Host, state: StagingState, into = this.parent): Promise<void> {
    if (this.state === state) return
    const from = { base: this.parent, path: '' }
    const to = { base: into, path: '' }
    const toName = stagingNameOf(this.id, state)
    // Nobody else has that name, so that nothing can be replaced.
    const job = { from, to, names: [this.name], toNames: [toName] }
    throwIfFailed([job], await host.rename([job], true))
    this.directory.path = pathOf(to, toName)
    this.parent = into
    this.state = state
  }

  /** Where it stands, for messages. */
  get path(): string {
    return pathOf({ base: this.parent, path: '' }, this.name)
  }

  /** Empty directories of dest that gave way: whoever is in one may still put something into it. */
  spare(emptied: readonly Place[]): void {
    for (const place of emptied) this.emptied.push(place)
  }

  /** Tries twice, so that a passing failure leaves nothing behind. What counts, or is kept, stays. */
  async remove(): Promise<void> {
    const { steady } = this.hosts
    const remove = (): Promise<void> => removeStaging(steady, this.parent, this.name)
    try {
      await this.removeEmptied()
      if (this.state === '') await remove().catch(remove)
    } finally {
      await this.close()
    }
  }

  /** What somebody has put into one stays. */
  private async removeEmptied(): Promise<void> {
    if (this.emptied.length === 0) return
    const { steady } = this.hosts
    const jobs = this.emptied.map((place) => {
      const { directory, name } = entryOf(place)
      return { to: directory, names: [name] }
    })
    const { errnos, syscall } = await steady.rmdir(jobs)
    const filled = errnos.findIndex((number) => number !== 0 && number !== errno.ENOENT)
    if (filled < 0) return
    await this.keep()
    const path = joinPath(this.path, (this.emptied[filled] as Place).path)
    const hint =
      'It was an empty directory of dest that gave way; somebody has put something into it since, which is kept there'
    throw new SystemError(errnos[filled] ?? 0, { syscall: syscall(filled), path, hint })
  }

  close(): Promise<void> {
    endLive(this.id)
    return this.hosts.steady.close(this.directory)
  }
}

/** A directory for what is taken back, in a staging directory. */
export async function takenPlace(host: Host, staging: Directory): Promise<Place> {
  const start = { base: staging, path: '' }
  const made = [{ path: takenName, mode: ownerAccess }]
  await makeDirectories(host, start, made, { allowed: errno.EEXIST })
  return below(start, takenName)
}

const takenName = 'taken'

/**
 * What counts for its own dest alone goes first: should this be cut off, the rest is anybody's to remove. The mark goes last,
 * since nothing without one is removed.
 */
export async function removeStaging(host: Host, parent: Directory, name: string): Promise<void> {
  const staging = { base: parent, path: name }
  const [listing] = await host.list([staging])
  if (listing === undefined || listing.errno === errno.ENOENT) return
  if (listing.errno !== 0) {
    throw new SystemError(listing.errno, { syscall: listing.syscall, path: pathOf(staging) })
  }
  const unlink = async (file: string): Promise<void> => {
    const jobs = [{ to: staging, names: [file] }]
    throwIfFailed(jobs, await host.unlink(jobs), errno.ENOENT)
  }
  const { names, kinds } = listing
  if (names.includes(modesName)) await unlink(modesName)
  for (const [index, each] of names.entries()) {
    if (each === markName || each === modesName) continue
    if (kinds[index] === Kind.Directory) await removeTree(host, staging, each)
    else await unlink(each)
  }
  await removeTree(host, { base: parent, path: '' }, name)
}

async function isMissing(host: Host, at: Place, name: string): Promise<boolean> {
  const { kinds } = await host.stat([{ to: at, names: [name] }])
  return kinds[0] === Kind.Missing
}

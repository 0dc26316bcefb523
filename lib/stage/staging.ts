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
  destName,
  freshName,
  journalName,
  modesName,
  settledName,
  toModesText,
  toText,
  type MergeRecord,
  type Restriction,
} from '../record'
import { reservedPrefix } from '../scan/scan'

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
  private isSettled = false
  private readonly emptied: Place[] = []
  /** Paths in `old/`. */
  private readonly madeInOld = new Set<string>()

  private constructor(
    private readonly hosts: Hosts,
    private readonly parent: Directory,
    private name: string,
    private readonly directory: Directory,
    /** Where dest's own place is in `new/`: the names from the parent to dest. */
    readonly prefix: string,
  ) {}

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
    const name = reservedPrefix + randomBytes(8).toString('hex')
    setLive(name, missing.join('/'))
    let made: Staging | undefined
    try {
      return (made = await this.makeNamed(hosts, parent, missing, name))
    } finally {
      if (made === undefined) endLive(name)
    }
  }

  private static async makeNamed(
    hosts: Hosts,
    parent: Directory,
    missing: readonly string[],
    name: string,
  ): Promise<Staging | undefined> {
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
      const staging = new Staging(hosts, parent, name, directory, missing.join('/'))
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
      if (missing.length > 0)
        await this.writeRecord(host, this.scratch, destName, missing.join('/'))
      await makeDirectories(host, this.scratch, [
        { path: freshName, mode: ownerAccess },
        { path: 'old', mode: ownerAccess },
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

  /** Mirrors `parent`. */
  get published(): Place {
    return { base: this.directory, path: freshName }
  }

  /** Mirrors dest: what is to be published. */
  get fresh(): Place {
    return below(this.published, this.prefix)
  }

  /** Mirrors dest: what was replaced. */
  get replaced(): Place {
    return below(this.oldPlace, this.prefix)
  }

  private get oldPlace(): Place {
    return { base: this.directory, path: 'old' }
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

  /** Each record stands for all before it. */
  async write(record: MergeRecord): Promise<void> {
    await this.writeOn(this.hosts.host, record)
  }

  /** What others have in it must not be removed: nothing but a record tells so to whoever comes next. */
  async keep(holding: MergeRecord['holding']): Promise<void> {
    if (this.records === 0) await this.writeOn(this.hosts.steady, { intents: [], holding })
  }

  /** What is left to do once one rename has made dest. */
  async writeModes(restrictions: readonly Restriction[]): Promise<void> {
    await this.writeRecord(this.hosts.host, this.scratch, modesName, toModesText(restrictions))
  }

  private async writeOn(host: Host, record: MergeRecord): Promise<void> {
    const number = this.records++
    if (number === 0) {
      await makeDirectories(host, this.scratch, [{ path: journalName, mode: ownerAccess }])
    }
    await this.writeRecord(host, below(this.scratch, journalName), String(number), toText(record))
  }

  private async writeRecord(host: Host, at: Place, name: string, text: string): Promise<void> {
    const { errno: failed, syscall } = await host.writeRecord(at, name, text)
    if (failed !== 0) throw new SystemError(failed, { syscall, path: pathOf(at, name) })
  }

  /** One rename, so that it is done or not, whenever this process is killed. */
  async settle(): Promise<void> {
    if (this.records === 0) return
    await this.renameOwn(this.hosts.host, journalName, settledName)
    this.isSettled = true
  }

  /** The records count again. */
  async reopen(): Promise<void> {
    if (!this.isSettled) return
    await this.renameOwn(this.hosts.steady, settledName, journalName)
    this.isSettled = false
  }

  private async renameOwn(host: Host, from: string, to: string): Promise<void> {
    const { scratch: at } = this
    const jobs = [{ from: at, to: at, names: [from], toNames: [to] }]
    throwIfFailed(jobs, await host.rename(jobs, false))
  }

  /** Where it stands, for messages. */
  get path(): string {
    return pathOf({ base: this.parent, path: '' }, this.name)
  }

  /** Empty directories of dest that gave way: whoever is in one may still put something into it. */
  spare(emptied: readonly Place[]): void {
    this.emptied.push(...emptied)
  }

  /** Tries twice, so that a passing failure leaves nothing behind. */
  async remove(): Promise<void> {
    const { steady } = this.hosts
    const remove = (): Promise<void> => removeStaging(steady, this.parent, this.name)
    try {
      await this.removeEmptied()
      await remove().catch(remove)
    } finally {
      await this.close()
    }
  }

  /** What somebody has put into one stays, under a name that is not taken for one of a staging directory. */
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
    const at = { base: this.parent, path: '' }
    const kept = [{ from: at, to: at, names: [this.name], toNames: [`${this.name}-kept`] }]
    throwIfFailed(kept, await steady.rename(kept, false))
    this.name = `${this.name}-kept`
    const path = joinPath(this.path, (this.emptied[filled] as Place).path)
    const hint =
      'It was an empty directory of dest that gave way; somebody has put something into it since, which is kept there'
    throw new SystemError(errnos[filled] ?? 0, { syscall: syscall(filled), path, hint })
  }

  close(): Promise<void> {
    endLive(this.name)
    return this.hosts.steady.close(this.directory)
  }
}

/** What counts for its own dest alone goes first: should this be cut off, the rest is anybody's to remove. */
export async function removeStaging(host: Host, parent: Directory, name: string): Promise<void> {
  const staging = { base: parent, path: name }
  const { kinds } = await host.stat([{ to: staging, names: [journalName, modesName] }])
  if (kinds[0] !== Kind.Missing) await removeTree(host, staging, journalName)
  const modes = [{ to: staging, names: [modesName] }]
  if (kinds[1] !== Kind.Missing) throwIfFailed(modes, await host.unlink(modes), errno.ENOENT)
  await removeTree(host, { base: parent, path: '' }, name)
}

async function isMissing(host: Host, at: Place, name: string): Promise<boolean> {
  const { kinds } = await host.stat([{ to: at, names: [name] }])
  return kinds[0] === Kind.Missing
}

import { randomBytes } from 'node:crypto'
import { SystemError, throwAfter } from '../errors'
import { below, pathOf, type Directory, type Host, type Place } from '../host/host'
import { makeDirectories, makePath, removeTree } from '../host/trees'
import { ownerAccess } from '../plan/plan'
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
}

/**
 * The directory in which the union is built, on dest's file system and unseen by readers: mode 0700,
 * with a name that nobody can guess. `new/` holds what is to be published, `old/` what was replaced; what is
 * staged early, and what names are tried with, lies beside them.
 */
export class Staging implements StageTarget {
  private rooms = 0

  private constructor(
    private readonly hosts: Hosts,
    private readonly parent: Directory,
    private readonly name: string,
    private readonly directory: Directory,
    /** Where dest's own place is in `new/`: the names from the parent to dest. */
    private readonly prefix: string,
  ) {}

  /** `parent`: dest, or the nearest directory above it that exists; `missing`: the names between. */
  static async make(hosts: Hosts, parent: Directory, missing: readonly string[]): Promise<Staging> {
    const name = reservedPrefix + randomBytes(8).toString('hex')
    const at = { base: parent, path: '' }
    const job = { to: at, names: [name], modes: Uint32Array.of(ownerAccess) }
    const made = await hosts.host.mkdir([job], true)
    const number = made.errnos[0] ?? 0
    if (number !== 0) {
      const hint = 'The staging directory is made here, on the file system of dest'
      throw new SystemError(number, { syscall: made.syscall(0), path: pathOf(at, name), hint })
    }
    try {
      const directory = await hosts.host.open({ base: parent, path: name })
      const staging = new Staging(hosts, parent, name, directory, missing.join('/'))
      await staging.furnish(missing)
      return staging
    } catch (error) {
      return throwAfter(error, () => removeTree(hosts.steady, at, name))
    }
  }

  private async furnish(missing: readonly string[]): Promise<void> {
    const { host } = this.hosts
    try {
      // Held as long as this process lives: tells others that the directory is in use.
      host.tryLock(this.directory)
      await makeDirectories(host, this.scratch, [
        { path: 'new', mode: ownerAccess },
        { path: 'old', mode: ownerAccess },
      ])
      // What lies between is made like mkdir -p would.
      for (let depth = 1; depth < missing.length; depth++) {
        const path = missing.slice(0, depth).join('/')
        await makeDirectories(host, this.published, [{ path, mode: undefined }])
      }
    } catch (error) {
      await throwAfter(error, () => this.close())
    }
  }

  /** Mirrors `parent`. */
  get published(): Place {
    return { base: this.directory, path: 'new' }
  }

  /** Mirrors dest: what is to be published. */
  get fresh(): Place {
    return below(this.published, this.prefix)
  }

  /** Mirrors dest: what was replaced. */
  get replaced(): Place {
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

  /** Makes the place in `old/` for what a directory loses. */
  async makeReplaced(path: string): Promise<void> {
    if (path !== '') await makePath(this.hosts.host, this.replaced, path)
  }

  /** Where it stands, for messages. */
  get path(): string {
    return this.directory.path
  }

  /** Tries twice, so that a passing failure leaves nothing behind. */
  async remove(): Promise<void> {
    const remove = (): Promise<void> =>
      removeTree(this.hosts.steady, { base: this.parent, path: '' }, this.name)
    try {
      await remove().catch(remove)
    } finally {
      await this.close()
    }
  }

  close(): Promise<void> {
    return this.hosts.steady.close(this.directory)
  }
}

import { randomBytes } from 'node:crypto'
import { SystemError } from '../errors'
import { below, pathOf, type Directory, type Host, type Place } from '../host/host'
import { makeDirectories, makePath, removeTree } from '../host/trees'
import { reservedPrefix } from '../scan/scan'

/**
 * The directory in which the union is built, on dest's file system and unseen by readers: mode 0700,
 * with a name that nobody can guess. `new/` holds what is to be published, `old/` what was replaced.
 */
export class Staging {
  private constructor(
    private readonly host: Host,
    private readonly parent: Directory,
    private readonly name: string,
    private readonly directory: Directory,
    /** Where dest's own place is in `new/`: the names from the parent to dest. */
    private readonly prefix: string,
  ) {}

  /** `parent`: dest, or the nearest directory above it that exists; `missing`: the names between. */
  static async make(host: Host, parent: Directory, missing: readonly string[]): Promise<Staging> {
    const name = reservedPrefix + randomBytes(8).toString('hex')
    const at = { base: parent, path: '' }
    const job = [{ to: at, names: [name], modes: Uint32Array.of(0o700) }]
    const made = await host.mkdir(job, true)
    const number = made.errnos[0] ?? 0
    if (number !== 0) {
      const hint = 'The staging directory is made here, on the file system of dest'
      throw new SystemError(number, { syscall: made.syscall(0), path: pathOf(at, name), hint })
    }
    const directory = await host.open({ base: parent, path: name })
    const staging = new Staging(host, parent, name, directory, missing.join('/'))
    // Held as long as this process lives: tells others that the directory is in use.
    host.tryLock(directory)
    const inside = { base: directory, path: '' }
    await makeDirectories(host, inside, [
      { path: 'new', mode: 0o700 },
      { path: 'old', mode: 0o700 },
    ])
    // What lies between is made like mkdir -p would.
    for (let depth = 1; depth < missing.length; depth++) {
      const path = missing.slice(0, depth).join('/')
      await makeDirectories(host, staging.published, [{ path, mode: undefined }])
    }
    return staging
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

  /** Makes the place in `old/` for what a directory loses. */
  async makeReplaced(path: string): Promise<void> {
    if (path !== '') await makePath(this.host, this.replaced, path)
  }

  /** Where it stands, for messages. */
  get path(): string {
    return this.directory.path
  }

  async remove(): Promise<void> {
    await removeTree(this.host, { base: this.parent, path: '' }, this.name)
    await this.close()
  }

  close(): Promise<void> {
    return this.host.close(this.directory)
  }
}

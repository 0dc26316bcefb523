import { errno, errnoOf } from './errno'
import { SystemError } from './errors'
import type { Directory, Host, Place } from './host/host'
import type { KeptAttributes } from './host/kept-attributes'
import type { Settings } from './options'
import { Spelling } from './plan/spelling'
import { openTarget, type Target } from './plan/target'
import { Allocation } from './stage/allocation'
import type { StagingSite } from './stage/allocator'
import { Staging } from './stage/staging'
import type { ExistingPolicy, RecoverResult } from './types'

interface Hosts {
  readonly host: Host
  readonly notAborted: Host
  /** Learnt once the staging directory is made. */
  readonly kept: KeptAttributes
  readonly settings: Pick<Settings, 'durability'>
}

// Where nothing can be made nothing can be merged either, which is reported when it is tried.
const cannotMake: ReadonlySet<number | undefined> = new Set([
  errno.EACCES,
  errno.EPERM,
  errno.EROFS,
])

/** Where a merge goes: dest, or what is nearest to it, held open, and a staging directory once one is needed. */
export class Site {
  readonly spelling: Spelling
  /** What stays in dest of merges that were killed. */
  readonly left: RecoverResult['left'] = []
  /** In which of this merge's staging directories each directory of dest is staged. */
  readonly allocation = new Allocation()
  private made: Promise<Staging> | undefined

  private constructor(
    private readonly hosts: Hosts,
    readonly target: Target,
    existing: ExistingPolicy,
  ) {
    const dest = this.dest && { base: this.dest, path: '' }
    this.spelling = new Spelling(hosts.host, dest, existing, () => this.makeScratch())
  }

  static async open(hosts: Hosts, path: string, existing: ExistingPolicy): Promise<Site> {
    return new Site(hosts, await openTarget(hosts.host, path), existing)
  }

  /** The same dest as it is now. What leads to it was resolved before, and is not again. */
  async reopen(existing: ExistingPolicy): Promise<Site> {
    const { path } = this.target
    const again = await Site.open(this.hosts, path, existing)
    if (again.target.path === path) return again
    await again.close()
    const hint = 'A symlink was put there while killed merges were being undone'
    throw new SystemError(errno.ELOOP, { syscall: 'open', path, hint })
  }

  noteLeft(left: RecoverResult['left']): void {
    for (const each of left) {
      if (!this.left.some(({ path }) => path === each.path)) this.left.push(each)
    }
  }

  /** dest, if it was there at the start. */
  get dest(): Directory | undefined {
    return this.target.missing.length === 0 ? this.target.nearest : undefined
  }

  /** The staging directory, made when it is first asked for; tried again after a failure. */
  staging(): Promise<Staging> {
    if (this.made !== undefined) return this.made
    const { nearest, missing } = this.target
    const made = Staging.make(this.hosts, nearest, missing, this.allocation).catch(
      (error: unknown) => {
        if (this.made === made) this.made = undefined
        throw error
      },
    )
    return (this.made = made)
  }

  /** Undefined while there is none. */
  get currentStaging(): Promise<Staging> | undefined {
    return this.made
  }

  /** How staging directories are made inside directories of dest. */
  get stagingSite(): StagingSite {
    const { nearest: parent, missing } = this.target
    return {
      parent,
      prefix: missing.join('/'),
      nest: async (paths) => (await this.staging()).nest(paths),
      lost: async () => (await this.staging()).lost(),
    }
  }

  /** Can the staging directory be made? If so it is there then. */
  async canStage(): Promise<boolean> {
    const staging = await unlessRefused(() => this.staging())
    return staging !== undefined
  }

  private makeScratch(): Promise<Place | undefined> {
    return unlessRefused(async () => (await this.staging()).makeRoom())
  }

  /** Removes what was staged. */
  async sweep(): Promise<void> {
    const made = this.made
    this.made = undefined
    const staging = await made?.catch(() => undefined)
    await staging?.remove()
  }

  /** Leaves what was staged where it is. */
  async abandon(): Promise<void> {
    const made = this.made
    this.made = undefined
    const staging = await made?.catch(() => undefined)
    await staging?.close()
  }

  async close(): Promise<void> {
    await this.hosts.notAborted.close(this.target.nearest)
  }
}

/** Undefined where nothing can be made. */
async function unlessRefused<T>(make: () => Promise<T>): Promise<T | undefined> {
  try {
    return await make()
  } catch (error) {
    if (cannotMake.has(errnoOf(error))) return undefined
    throw error
  }
}

import { promises as fs } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { identityLength, Kind, type Host } from '../host/host'

/** What a directory of a store really is. */
interface StoreDirectory {
  /** Its path with symlinks resolved; as it was given where there is none. */
  readonly real: string
  /** st_dev; 0 where there is none. */
  readonly device: number
}

/** The directories in which files of the sources' maps lie. Each is looked at once, however many sources have files in it. */
export class StoreDirectories {
  private readonly known = new Map<string, StoreDirectory>()
  private readonly devices = new Set<number>()
  private readonly realParents = new Map<string, Promise<string>>()

  constructor(private readonly host: Pick<Host, 'stat'>) {}

  /** Must have been looked at. */
  of(directory: string): StoreDirectory {
    const known = this.known.get(directory)
    if (known === undefined) throw new Error(`${directory} was not scanned`)
    return known
  }

  /** st_dev of all of them; undefined where there are several. */
  get onlyDevice(): number | undefined {
    const [only, ...others] = this.devices
    return others.length === 0 ? only : undefined
  }

  /** Those that really are what `isSought` tells of. */
  find(isSought: (real: string) => boolean): Set<string> {
    return new Set([...this.known].filter(([, { real }]) => isSought(real)).map(([given]) => given))
  }

  async look(directories: Iterable<string>): Promise<void> {
    const byParent = new Map<string, string[]>()
    for (const directory of new Set(directories)) {
      if (this.known.has(directory)) continue
      const parent = dirname(directory)
      const others = byParent.get(parent)
      if (others === undefined) byParent.set(parent, [directory])
      else others.push(directory)
    }
    if (byParent.size === 0) return
    const jobs = [...byParent].map(([parent, own]) => ({
      to: { base: parent, path: '' },
      names: own.map((directory) => basename(directory)),
    }))
    const { kinds, identities } = await this.host.stat(jobs)
    const found = [...byParent].flatMap(([parent, own]) => own.map((path) => ({ parent, path })))
    await Promise.all(
      found.map(async ({ parent, path }, index) => {
        const isItself = kinds[index] === Kind.Directory && dirname(path) !== path
        const device = Number(identities[index * identityLength] ?? 0n)
        const real = isItself && join(await this.realParent(parent), basename(path))
        const directory = real === false ? await follow(path) : { real, device }
        this.known.set(path, directory)
        this.devices.add(directory.device)
      }),
    )
  }

  private realParent(parent: string): Promise<string> {
    let real = this.realParents.get(parent)
    if (real === undefined) this.realParents.set(parent, (real = realPath(parent)))
    return real
  }
}

async function follow(path: string): Promise<StoreDirectory> {
  const status = await fs.stat(path).catch(() => undefined)
  return { real: await realPath(path), device: status?.dev ?? 0 }
}

/** A path with its symlinks resolved; one that does not exist is left to anyone who reads it. */
export async function realPath(path: string): Promise<string> {
  return fs.realpath(path).catch(() => path)
}

import { identityLength, type Stats } from '../host/host'
import { copyRecord, recordLength, type Clocks } from '../manifest'
import type { Shown, ShownEntries } from './record-union'

/** Collects what dest shows of entries. */
export class ShownBuilder {
  private readonly directories = new Map<string, ShownEntries & { readonly shown: Growing }>()

  constructor(private readonly clocks: Clocks) {}

  /** `path`: of the directory; `time`: ns, when the look began. */
  add(path: string, names: readonly string[], stats: Stats, first: number, time: bigint): void {
    for (const [index, name] of names.entries()) this.addOne(path, name, stats, first + index, time)
  }

  addOne(path: string, name: string, stats: Stats, entry: number, time: bigint): void {
    let own = this.directories.get(path)
    if (own === undefined) {
      own = { shown: new Growing(this.clocks), indexOf: new Map<string, number>() }
      this.directories.set(path, own)
    }
    const { shown, indexOf } = own
    const known = indexOf.get(name)
    const index = known ?? indexOf.size
    if (known === undefined) (indexOf as Map<string, number>).set(name, index)
    shown.set(index, stats, entry, time)
  }

  has(path: string, name: string): boolean {
    return this.directories.get(path)?.indexOf.has(name) === true
  }

  get(path: string): ShownEntries | undefined {
    return this.directories.get(path)
  }
}

class Growing implements Shown {
  kinds = new Uint8Array(4)
  modes = new Uint16Array(4)
  sizes = new Float64Array(4)
  records = new BigUint64Array(4 * recordLength)
  readonly targets = new Map<number, string>()

  constructor(private readonly clocks: Clocks) {}

  set(index: number, stats: Stats, entry: number, time: bigint): void {
    if (index >= this.kinds.length) this.grow()
    this.kinds[index] = stats.kinds[entry] ?? 0
    this.modes[index] = stats.modes[entry] ?? 0
    this.sizes[index] = stats.sizes[entry] ?? 0
    this.records.fill(0n, index * recordLength, (index + 1) * recordLength)
    copyRecord(this.clocks, stats, entry, this.records, index, time)
    const target = stats.targets.get(entry)
    if (target === undefined) this.targets.delete(index)
    else this.targets.set(index, target)
  }

  private grow(): void {
    const length = this.kinds.length * 2
    this.kinds = grown(new Uint8Array(length), this.kinds)
    this.modes = grown(new Uint16Array(length), this.modes)
    this.sizes = grown(new Float64Array(length), this.sizes)
    this.records = grown(new BigUint64Array(length * recordLength), this.records)
  }
}

interface Column<T> {
  set(from: T): void
}

function grown<T extends Column<T>>(to: T, from: T): T {
  to.set(from)
  return to
}

/** Is it the inode that it was, with the same mode and bytes, as far as times tell? Renaming one changes its ctime alone. */
export function isSameInode(shown: Shown, index: number, stats: Stats, entry: number): boolean {
  const at = entry * identityLength
  return (
    shown.records[index * recordLength] === stats.identities[at + 1] &&
    shown.records[index * recordLength + 1] === stats.identities[at + 2] &&
    shown.modes[index] === stats.modes[entry] &&
    shown.sizes[index] === stats.sizes[entry]
  )
}

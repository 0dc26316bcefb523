import { sep } from 'node:path'
import type { Place } from '../host/host'
import { noMode, Row } from '../host/whole-trees'
import { pathInStore, type GivenEntry, type GivenFiles } from './given'
import type { MapColumns, TreeTable } from './table'

const NUL = '\0'
// Without any of these, names that differ are different ones to every file system; NUL stands after each.
const maybeAlike = /[^\0-@[-\x7f]|[. ]\0/
const beyondAscii = /[^\0-\x7f]/

/** Makes a table of the entries of a file map. */
export class MapTable {
  /** Of the entries that are taken. */
  private readonly indexes: number[] = []
  /** One an entry that is taken: st_dev, -1 for what is no file of the store. */
  private readonly devices: number[] = []
  /** One an entry that is taken: the number of its directory. */
  private readonly directoryOf: number[] = []
  private readonly numbers = new Map<string, number>([['', 0]])

  constructor(private readonly files: GivenFiles) {}

  /** Takes an entry. `device`: undefined for what is no file of the store. */
  add(index: number, device: number | undefined): void {
    const path = this.files.paths[index] as string
    const slash = path.lastIndexOf('/')
    this.indexes.push(index)
    this.devices.push(device ?? -1)
    this.directoryOf.push(slash < 0 ? 0 : this.numberOf(path.slice(0, slash)))
  }

  /** Paths below what the map has as a file. */
  clashes(): string[] {
    const files = this.indexes.map((index) => this.files.paths[index] as string)
    const both = files.filter((path) => this.numbers.has(path))
    if (both.length === 0) return []
    return files.filter((path) => both.some((file) => path.startsWith(`${file}/`)))
  }

  /** The table, and the place at which its tree begins. */
  build(): { table: TreeTable; place: Place } {
    const directories = preOrder([...this.numbers.keys()])
    const rows = this.inOrder(directories)
    const counts = new Uint32Array(directories.length)
    const fileEnds = new Uint32Array(directories.length)
    const nameEnds = new Uint32Array(directories.length)
    const distinct = new Uint8Array(directories.length)
    const subdirectories = namesIn(directories)
    const names: string[] = []
    let length = 0
    let row = 0
    directories.forEach((directory, at) => {
      const number = this.numbers.get(directory) as number
      const first = row
      const skipped = directory === '' ? 0 : directory.length + 1
      let own = ''
      for (; row < rows.length && this.directoryOf[rows[row] as number] === number; row++) {
        const index = this.indexes[rows[row] as number] as number
        own += (this.files.paths[index] as string).slice(skipped) + NUL
      }
      counts[at] = row - first
      fileEnds[at] = row
      names.push(own)
      length += own.length
      nameEnds[at] = length
      distinct[at] = areDistinct(own + (subdirectories[at] as string)) ? 1 : 0
    })
    const map = this.columns(rows, distinct)
    const table: TreeTable = {
      sized: false,
      found: Uint8Array.of(0),
      devices: Float64Array.of(this.devices.find((device) => device >= 0) ?? 0),
      starts: Uint32Array.of(0),
      ends: endsOf(directories),
      modes: new Uint32Array(directories.length).fill(noMode),
      counts,
      bytes: new Float64Array(directories.length),
      pathEnds: endsOfTexts(directories),
      nameEnds,
      fileEnds,
      fileModes: new Uint16Array(0),
      sizes: new Float64Array(0),
      paths: directories.map((directory) => directory + NUL).join(''),
      names: names.join(''),
      map,
    }
    return { table, place: { base: map.root === '' ? sep : map.root, path: '' } }
  }

  private numberOf(directory: string): number {
    const known = this.numbers.get(directory)
    if (known !== undefined) return known
    const slash = directory.lastIndexOf('/')
    if (slash >= 0) this.numberOf(directory.slice(0, slash))
    const number = this.numbers.size
    this.numbers.set(directory, number)
    return number
  }

  /** The entries in the order of their directories. */
  private inOrder(directories: readonly string[]): Uint32Array {
    const counts = new Uint32Array(directories.length)
    for (const number of this.directoryOf) counts[number] = (counts[number] as number) + 1
    const next = new Uint32Array(directories.length)
    let start = 0
    for (const directory of directories) {
      const number = this.numbers.get(directory) as number
      next[number] = start
      start += counts[number] as number
    }
    const rows = new Uint32Array(this.indexes.length)
    this.directoryOf.forEach((number, index) => {
      const row = next[number] as number
      rows[row] = index
      next[number] = row + 1
    })
    return rows
  }

  private columns(rows: Uint32Array, distinct: Uint8Array): MapColumns {
    const { entries } = this.files
    const own = Array.from(rows, (row) => entries[this.indexes[row] as number] as GivenEntry)
    const root = commonRoot(own)
    const sourceEnds = new Uint32Array(own.length)
    let length = 0
    const texts = own.map((entry, row) => {
      const text = textOf(entry, root)
      length += text.length + 1
      sourceEnds[row] = length
      return text
    })
    const sources = texts.length === 0 ? '' : texts.join(NUL) + NUL
    const devices = this.devicesOf(rows)
    const told = own.some((entry) => typeof entry === 'object') ? tellingColumns(own) : untold
    return { root, sources, sourceEnds, devices, distinct, ...told }
  }

  /** Undefined where all files lie on one. */
  private devicesOf(rows: Uint32Array): Float64Array | undefined {
    const first = this.devices.find((device) => device >= 0)
    if (this.devices.every((device) => device < 0 || device === first)) return undefined
    return Float64Array.from(rows, (index) => this.devices[index] as number)
  }
}

/** Where a file lies below `root`, the text of a symlink, or nothing. */
function textOf(entry: GivenEntry, root: string): string {
  if (typeof entry !== 'string' && 'target' in entry) return entry.target
  return pathInStore(entry)?.slice(root.length) ?? ''
}

type Told = Pick<MapColumns, 'kinds' | 'contents' | 'givenModes' | 'givenSizes'>

/** Of a map that has nothing but paths of files. */
const untold: Told = {
  kinds: undefined,
  contents: new Map(),
  givenModes: undefined,
  givenSizes: undefined,
}

function tellingColumns(entries: readonly GivenEntry[]): Told {
  const kinds = new Uint8Array(entries.length)
  const contents = new Map<number, Uint8Array>()
  const givenModes = new Uint32Array(entries.length).fill(noMode)
  const givenSizes = new Float64Array(entries.length).fill(NaN)
  for (const [row, entry] of entries.entries()) {
    if (typeof entry === 'string') continue
    if ('target' in entry) {
      kinds[row] = Row.Symlink
      givenSizes[row] = 0
    } else if ('content' in entry) {
      kinds[row] = Row.Content
      contents.set(row, entry.content)
      givenModes[row] = entry.mode
      givenSizes[row] = entry.content.length
    } else {
      givenModes[row] = entry.mode ?? noMode
      givenSizes[row] = entry.size ?? NaN
    }
  }
  return {
    kinds: kinds.some((kind) => kind !== Row.File) ? kinds : undefined,
    contents,
    givenModes: givenModes.some((mode) => mode !== noMode) ? givenModes : undefined,
    givenSizes: givenSizes.some((size) => !Number.isNaN(size)) ? givenSizes : undefined,
  }
}

/** Each before those that lie in it, which are the next ones. */
function preOrder(directories: readonly string[]): string[] {
  if (directories.length < 3) return [...directories].sort()
  return directories
    .map((directory) => directory.replaceAll('/', NUL))
    .sort()
    .map((directory) => directory.replaceAll(NUL, '/'))
}

/** Of each directory the first one that does not lie in it. */
function endsOf(directories: readonly string[]): Uint32Array {
  const ends = new Uint32Array(directories.length)
  const open: number[] = []
  const isIn = (directory: string, above: number): boolean =>
    directories[above] === '' || directory.startsWith(`${directories[above] as string}/`)
  directories.forEach((directory, at) => {
    for (let last = open.at(-1); last !== undefined && !isIn(directory, last); last = open.at(-1)) {
      ends[last] = at
      open.pop()
    }
    open.push(at)
  })
  for (const last of open) ends[last] = directories.length
  return ends
}

function endsOfTexts(texts: readonly string[]): Uint32Array {
  const ends = new Uint32Array(texts.length)
  let end = 0
  for (const [at, text] of texts.entries()) {
    end += text.length + 1
    ends[at] = end
  }
  return ends
}

/** Of each directory the names of its subdirectories, NUL after each. */
function namesIn(directories: readonly string[]): string[] {
  const numbers = new Map(directories.map((directory, at) => [directory, at]))
  const names = new Array<string>(directories.length).fill('')
  for (const directory of directories) {
    if (directory === '') continue
    const slash = directory.lastIndexOf('/')
    const parent = numbers.get(directory.slice(0, Math.max(0, slash))) as number
    names[parent] = (names[parent] as string) + directory.slice(slash + 1) + NUL
  }
  return names
}

/** Does no file system take two of these names for one, as far as that can be known at once? There is a NUL after each. */
function areDistinct(names: string): boolean {
  if (!maybeAlike.test(names)) return true
  if (beyondAscii.test(names)) return false
  const folded = names.toLowerCase().split(NUL)
  const stripped = folded.map((name) => name.replace(/[. ]+$/, ''))
  return new Set(stripped).size === stripped.length
}

/** The directory, with a separator at its end, below which all files lie; empty where there is none. */
function commonRoot(entries: readonly GivenEntry[]): string {
  let root: string | undefined
  for (const entry of entries) {
    const path = pathInStore(entry)
    if (path === undefined) continue
    root ??= path.slice(0, path.lastIndexOf(sep) + 1)
    while (!path.startsWith(root)) root = root.slice(0, root.lastIndexOf(sep, root.length - 2) + 1)
  }
  return root ?? ''
}

import path from 'node:path'

import { descriptorPath, textOf, type TracedCall } from './strace'

/** What a trace is judged by: nothing else on the machine is looked at. */
export interface AuditScene {
  readonly dest: string
  /** The nearest directory above dest that was there, where dest was missing: what is staged stands in it. */
  readonly nearest?: string
  /** Directories that are only to be read. */
  readonly stores: readonly string[]
}

/** Which arguments name an entry: a directory descriptor (or none: a path) and a name, from there. */
interface Shape {
  readonly entries?: readonly (readonly [directory: number | undefined, name: number])[]
  readonly flags?: number
  /** Changes what the entries, or the descriptor, name. */
  readonly changes?: boolean
  /** Its first argument is a descriptor of what it reads or changes. */
  readonly descriptor?: boolean
}

const one = [[0, 1]] as const
const two = [
  [0, 1],
  [2, 3],
] as const
const byPath = [[undefined, 0]] as const
const byPaths = [
  [undefined, 0],
  [undefined, 1],
] as const
const changing = (names: string): [string, Shape][] =>
  names.split(' ').map((name) => [name, { descriptor: true, changes: true }])
const reading = (names: string): [string, Shape][] =>
  names.split(' ').map((name) => [name, { descriptor: true }])

/** Every call that may touch a file of the scene: another one there is a fault, since nobody has judged it. */
const shapes: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['openat', { entries: one, flags: 2 }],
  ['open', { entries: byPath, flags: 1 }],
  ['newfstatat', { entries: one, flags: 3 }],
  ['statx', { entries: one, flags: 2 }],
  ['name_to_handle_at', { entries: one, flags: 4 }],
  ['openat2', { entries: one }],
  ['statfs', { entries: byPath }],
  ['readlinkat', { entries: one }],
  ['readlink', { entries: byPath }],
  ['lstat', { entries: byPath }],
  ['mkdirat', { entries: one, changes: true }],
  ['symlinkat', { entries: [[1, 2]], changes: true }],
  ['linkat', { entries: two, flags: 4, changes: true }],
  ['renameat2', { entries: two, flags: 4, changes: true }],
  ['renameat', { entries: two, changes: true }],
  ['unlinkat', { entries: one, changes: true }],
  ['utimensat', { entries: one, flags: 3, changes: true }],
  // By path: faults wherever they touch the scene.
  ...(['chmod', 'chown', 'lchown', 'utime', 'utimes', 'truncate', 'mkdir', 'rmdir'] as const).map(
    (name): [string, Shape] => [name, { entries: byPath, changes: true }],
  ),
  ...(['unlink', 'creat', 'mknod', 'setxattr', 'lsetxattr'] as const).map(
    (name): [string, Shape] => [name, { entries: byPath, changes: true }],
  ),
  ...(['fchmodat', 'fchmodat2', 'fchownat', 'futimesat'] as const).map((name): [string, Shape] => [
    name,
    { entries: one, changes: true },
  ]),
  ...(['rename', 'link'] as const).map((name): [string, Shape] => [
    name,
    { entries: byPaths, changes: true },
  ]),
  ['symlink', { entries: [[undefined, 1]], changes: true }],
  ...changing('write pwrite64 ftruncate fchmod fchown fallocate fsetxattr'),
  ...reading(
    'read pread64 close fstat getdents64 lseek flock fcntl fadvise64 syncfs cachestat flistxattr fgetxattr',
  ),
  // The direction is judged on its own.
  ['ioctl', {}],
  ['copy_file_range', {}],
])

const attributesByName = new Set(
  'chmod chown lchown utime utimes fchmodat fchmodat2 fchownat futimesat setxattr lsetxattr'.split(
    ' ',
  ),
)
const looksWithFlags = new Set(['newfstatat', 'statx'])
const staged = /^\.reflink-merge-[0-9a-f]{16}(?:-begun|-kept)?(?:\/|$)/
/** Inside any directory of dest. */
const nested = /(?:^|\/)\.reflink-merge-[0-9a-f]{16}-part(?:\/|$)/

/** An entry that a call names. */
interface Named {
  /** Absolute. */
  readonly path: string
  /** As it was given; undefined for a descriptor alone. */
  readonly name: string | undefined
  readonly byDescriptor: boolean
}

export interface AuditOptions {
  /** May files that dest holds be replaced? */
  readonly replacing?: boolean
  /** Is nothing to be changed at all? */
  readonly unchanged?: boolean
}

/** Judges one call after the other. */
export class Audit {
  readonly faults: string[] = []
  /** How often each call touched the scene. */
  readonly counts = new Map<string, number>()

  private readonly top: string

  constructor(private readonly scene: AuditScene) {
    this.top = scene.nearest ?? scene.dest
  }

  judge(calls: readonly TracedCall[], options: AuditOptions = {}): void {
    for (const call of calls) this.judgeOne(call, options)
  }

  private judgeOne(call: TracedCall, options: AuditOptions): void {
    const shape = shapes.get(call.name)
    const touched = shape === undefined ? undefined : namedBy(call, shape)
    if (touched === undefined) {
      if (this.mentionsScene(call)) this.fault(call, 'is a call that nobody has judged')
      return
    }
    const here = touched.filter((entry) => this.isHere(entry.path))
    if (here.length === 0) return
    this.count(call)
    const isChange = changes(call, shape ?? {})
    // dest is found, and looked for, by its path: that is what the caller gave.
    const judged = isChange ? here : here.filter((entry) => !this.isOnTheWay(entry))
    for (const entry of judged) this.judgeName(call, entry)
    this.judgeFlags(call, shape ?? {}, judged)
    if (isChange) this.judgeChange(call, here, options)
  }

  private judgeName(call: TracedCall, { path: at, name, byDescriptor }: Named): void {
    if (name === undefined || name === '' || name === '.') return
    // openat2(2) follows nothing on a way of several names, if it is asked to.
    const isGuarded = call.name === 'openat2' && !name.split('/').includes('..')
    if (byDescriptor && !isGuarded && (name.includes('/') || name === '..'))
      this.fault(call, 'has more than one name after a descriptor')
    // Node.js asks by path alone which file system it is; of the staging directory that tells nothing of others.
    const isOwnVolume = call.name === 'statfs' && this.isStaged(at)
    if (!byDescriptor && this.isBelow(at) && !isOwnVolume)
      this.fault(call, 'has a path, not a descriptor')
  }

  private judgeFlags(call: TracedCall, shape: Shape, here: readonly Named[]): void {
    const flags = (shape.flags === undefined ? '' : (call.args[shape.flags] ?? '')).split('|')
    const below = here.some((entry) => this.isBelow(entry.path))
    if (call.name === 'open' || call.name === 'openat') {
      const writes = flags.includes('O_WRONLY') || flags.includes('O_RDWR')
      if (flags.includes('O_TRUNC')) this.fault(call, 'truncates')
      if (writes && !(flags.includes('O_CREAT') && flags.includes('O_EXCL')))
        this.fault(call, 'opens an existing file for writing')
      if (below && !flags.includes('O_NOFOLLOW')) this.fault(call, 'may follow a symlink')
    }
    if (call.name === 'openat2') {
      const how = call.args[2] ?? ''
      if (/O_(?:WRONLY|RDWR|CREAT|TRUNC)/.test(how)) this.fault(call, 'opens more than a directory')
      if (below && !how.includes('RESOLVE_NO_SYMLINKS')) this.fault(call, 'may follow a symlink')
    }
    const isSelf = flags.includes('AT_EMPTY_PATH') && here.every(({ name }) => name === '')
    if (looksWithFlags.has(call.name) && below && !isSelf && !flags.includes('AT_SYMLINK_NOFOLLOW'))
      // glibc's fstat(2): an empty name, with the flag or without on older kernels.
      this.fault(call, 'may follow a symlink')
    if (flags.includes('AT_SYMLINK_FOLLOW')) this.fault(call, 'follows a symlink')
    if (attributesByName.has(call.name)) this.fault(call, 'changes attributes by name')
    if (call.name === 'utimensat') {
      const byName = here.some(({ name }) => name !== undefined && name !== '')
      if (byName && !flags.includes('AT_SYMLINK_NOFOLLOW')) this.fault(call, 'may follow a symlink')
    }
  }

  private judgeChange(
    call: TracedCall,
    here: readonly Named[],
    { replacing = false, unchanged = false }: AuditOptions,
  ): void {
    if (unchanged) this.fault(call, 'changes something, where all was in place')
    const [first] = here
    // A hard link's first name is only linked.
    const changed = call.name === 'linkat' || call.name === 'link' ? here.slice(1) : here
    if (changed.some(({ path: at }) => this.isStored(at))) this.fault(call, 'changes a source')
    if (call.name.startsWith('rename')) {
      const exclusive = call.args.at(-1) === 'RENAME_NOREPLACE' && call.name === 'renameat2'
      const publishes = first !== undefined && this.isStaged(first.path)
      // Nobody else has names there.
      const isOwn = here.length === 2 && here.every(({ path: at }) => this.isStaged(at))
      if (!exclusive && !isOwn && !(replacing && publishes))
        this.fault(call, 'may replace what stands there')
    } else if (call.name === 'unlinkat' || call.name === 'unlink' || call.name === 'rmdir') {
      if (!changed.every(({ path: at }) => this.isStaged(at)))
        this.fault(call, 'removes what is not staged')
    } else if (shapes.get(call.name)?.entries === undefined && call.name !== 'fchmod') {
      if (!changed.every(({ path: at }) => this.isStaged(at)))
        this.fault(call, 'writes to what is not staged')
    }
  }

  private isHere(at: string): boolean {
    return [this.top, ...this.scene.stores].some((top) => at === top || isIn(top, at))
  }

  /** Below a start: where nothing may be followed, nor reached by path. */
  private isBelow(at: string): boolean {
    return [this.top, ...this.scene.stores].some((top) => isIn(top, at))
  }

  private isOnTheWay({ path: at, byDescriptor }: Named): boolean {
    return !byDescriptor && (at === this.scene.dest || isIn(at, this.scene.dest))
  }

  private isStored(at: string): boolean {
    return this.scene.stores.some((top) => at === top || isIn(top, at))
  }

  private isStaged(at: string): boolean {
    // Where dest was missing, the staging directory moves into it once it is there.
    const isIn = (top: string): boolean => staged.test(path.relative(top, at))
    return isIn(this.top) || isIn(this.scene.dest) || nested.test(path.relative(this.top, at))
  }

  private mentionsScene({ line }: TracedCall): boolean {
    return [this.top, ...this.scene.stores].some((top) => line.includes(top))
  }

  private count({ name, args }: TracedCall): void {
    const what = name === 'ioctl' ? `ioctl ${args[1] ?? ''}` : name
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  private fault({ line }: TracedCall, what: string): void {
    this.faults.push(`${what}: ${line.slice(0, 400)}`)
  }
}

const isIn = (top: string, at: string): boolean => at.startsWith(`${top}/`)

/** What a call names; undefined where that cannot be known. */
function namedBy(call: TracedCall, { entries, descriptor }: Shape): Named[] | undefined {
  const { name, args } = call
  const byDescriptors = (indexes: readonly number[]): Named[] =>
    indexes.flatMap((index) => {
      const at = descriptorPath(args[index] ?? '')
      return at === undefined ? [] : [{ path: at, name: undefined, byDescriptor: true }]
    })
  // FICLONE and copy_file_range write to one descriptor and read from another.
  if (name === 'ioctl') return byDescriptors([0])
  if (name === 'copy_file_range') return byDescriptors([2])
  if (descriptor === true) return byDescriptors([0])
  const named: Named[] = []
  for (const [directory, position] of entries ?? []) {
    const text = textOf(args[position] ?? '')
    if (text === undefined) {
      // utimensat(fd, NULL, …): futimens.
      named.push(...byDescriptors([directory ?? -1]))
      continue
    }
    const start = directory === undefined ? undefined : descriptorPath(args[directory] ?? '')
    if (start === undefined && !path.isAbsolute(text)) return undefined
    const byDescriptor = !path.isAbsolute(text)
    named.push({ path: path.resolve(start ?? '/', text), name: text, byDescriptor })
  }
  return named
}

function changes({ name, args }: TracedCall, shape: Shape): boolean {
  if (name === 'ioctl')
    return args[1] === 'BTRFS_IOC_CLONE or FICLONE' || /FICLONE/.test(args[1] ?? '')
  if (name === 'copy_file_range') return true
  if (name === 'open' || name === 'openat') return /O_CREAT|O_WRONLY|O_RDWR/.test(args.join(' '))
  return shape.changes === true
}

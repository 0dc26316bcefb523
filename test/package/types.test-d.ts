// What the types of the package allow and refuse. Nothing of it runs: tsc compiles it here, and test/package/typescript.test.ts
// as a part of programs that have installed the package, with and without exactOptionalPropertyTypes.

import type { CopyOptions, promises } from 'node:fs'

import {
  isMergeError,
  merge,
  MergeError,
  openMerge,
  planMerge,
  SystemError,
  verify,
  type Conflict,
  type DirectorySource,
  type FileEntry,
  type FileMapSource,
  type LinkMode,
  type MergeErrorCode,
  type MergeOptions,
  type MergeResult,
  type Source,
  type SourceOptions,
  type VerifyOptions,
} from 'reflink-merge'
import type * as binding from 'reflink-merge/binding'
import { cp, type CpOptions } from 'reflink-merge/cp'

type IsAny<T> = 0 extends 1 & T ? true : false
type Same<A, B> = [IsAny<A>, A] extends [IsAny<B>, B]
  ? [IsAny<B>, B] extends [IsAny<A>, A]
    ? true
    : false
  : false

/** Takes a value that has this very type, and no other. */
declare function exactly<T>(): <V>(
  value: V,
  ...proof: Same<T, V> extends true ? [] : ['the types differ']
) => void

// Every option takes undefined, so that a caller may pass on what it was given or not.
export const unset: Record<keyof MergeOptions, undefined> = {
  linkModes: undefined,
  conflicts: undefined,
  existing: undefined,
  manifest: undefined,
  prune: undefined,
  modified: undefined,
  adopt: undefined,
  symlinks: undefined,
  specials: undefined,
  mutable: undefined,
  writable: undefined,
  preserveTimestamps: undefined,
  directoryClone: undefined,
  quarantine: undefined,
  concurrency: undefined,
  durability: undefined,
  lock: undefined,
  signal: undefined,
  onProgress: undefined,
}
const passedOn: MergeOptions = unset
const unverified: Record<keyof VerifyOptions, undefined> = {
  manifest: undefined,
  bytes: undefined,
  foreign: undefined,
  signal: undefined,
}
const unlimited: MergeOptions = { lock: { timeout: undefined } }
const plain: SourceOptions = { name: 'a', to: undefined, filter: undefined, digest: undefined }

// A source is either a directory or a file map.
const tree: DirectorySource = { ...plain, dir: 'a', files: undefined }
export const entries: FileEntry[] = [
  'store/1',
  { path: 'store/1', size: undefined, mode: undefined },
  { content: 'x', mode: undefined },
  { target: 'x' },
]
const map: FileMapSource = { ...plain, files: { x: 'store/1' }, dir: undefined }
const sources: Source[] = [tree, map, { name: 'b', dir: 'b' }, { name: 'c', files: new Map() }]
// @ts-expect-error: neither dir nor files
sources.push({ name: 'd' })
// @ts-expect-error: both dir and files
sources.push({ name: 'd', dir: 'd', files: {} })
// @ts-expect-error: without a name
sources.push({ dir: 'd' })
// @ts-expect-error: a typing error
sources.push({ name: 'd', dir: 'd', filtre: () => true })

export function directoryOf(source: Source): string {
  if (source.dir !== undefined) return source.dir
  exactly<FileMapSource>()(source)
  return source.files instanceof Map ? 'a map' : 'an object'
}

export async function run(): Promise<void> {
  const result = await merge(sources, 'dest', { ...passedOn, ...unlimited, linkModes: ['clone'] })
  exactly<MergeResult>()(result)
  exactly<Record<LinkMode, number>>()(result.linkModes)
  exactly<string[] | undefined>()(result.sources[0]?.skipped)
  const plan = await planMerge(sources, 'dest', unset)
  for (const { action } of plan.entries())
    exactly<'create' | 'replace' | 'keep' | 'unchanged' | 'remove'>()(action)
  const session = await openMerge('dest', unset)
  await session.add(tree, { rank: undefined })
  await session.commit()
  await verify('dest', unverified)
  // @ts-expect-error: no such policy
  await merge(sources, 'dest', { specials: 'ignore' })
  // @ts-expect-error: no such option
  await merge(sources, 'dest', { link: 'copy' })
}

/** Each code tells what its error holds; a code that is forgotten here does not compile. */
export function describe(error: unknown): string {
  if (error instanceof SystemError) return `${error.code} ${String(error.errno)} ${error.syscall}`
  if (!isMergeError(error)) return String(error)
  exactly<MergeError>()(error)
  exactly<readonly unknown[] | undefined>()(error.errors)
  // @ts-expect-error: not every one has conflicts
  exactly<Conflict[]>()(error.conflicts)
  switch (error.code) {
    case 'ERR_MERGE_CONFLICT':
      exactly<Conflict[]>()(error.conflicts)
      // @ts-expect-error: this one has no paths
      exactly<unknown>()(error.paths)
      return error.conflicts.map(({ path, winner }) => `${path} ${winner ?? ''}`).join()
    case 'ERR_MERGE_INVALID_PATH':
    case 'ERR_MERGE_UNSUPPORTED_FILE':
    case 'ERR_MERGE_INTO_SELF':
      return error.paths.map(({ source, path, reason }) => `${source} ${path} ${reason}`).join()
    case 'ERR_MERGE_UNRECOVERED':
      return error.paths.map((path) => path.toUpperCase()).join()
    case 'ERR_MERGE_MANIFEST':
    case 'ERR_MERGE_LOCK_TIMEOUT':
      return error.path
    case 'ERR_MERGE_SOURCE_CHANGED':
      exactly<string | undefined>()(error.source)
      return `${error.path} ${error.dest}`
    default:
      exactly<never>()(error)
      return error
  }
}

export function caught(error: unknown): MergeErrorCode | undefined {
  // The class narrows to the union, as the guard does.
  if (!(error instanceof MergeError)) return undefined
  exactly<MergeError>()(error)
  const paths: { source: string; path: string; reason: string }[] =
    error.code === 'ERR_MERGE_INVALID_PATH' ? error.paths : []
  return paths.length > 0 ? error.code : undefined
}

// The raw calls, and nothing of how the library and the addon talk to each other.
export function raw(calls: typeof binding, names: keyof typeof binding): void {
  exactly<'reflink' | 'reflinkAsync' | 'loaded' | 'loadError'>()(names)
  exactly<boolean>()(calls.loaded)
  exactly<unknown>()(calls.loadError)
  exactly<number>()(calls.reflink('a', 'b'))
}

// In the place of Node's own, and the other way round.
export const copies: (typeof promises.cp)[] = [cp]
export const ours = (options: CopyOptions): CpOptions => options
export const theirs = (options: CpOptions): CopyOptions => options
// @ts-expect-error: no such option
void cp('a', 'b', { recursve: true })

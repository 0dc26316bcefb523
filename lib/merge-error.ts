import type { Conflict } from './types'

/** A path of a source that cannot be merged. */
export interface SourcePath {
  /** Name of the source; empty if it is dest itself that has a bad name. */
  source: string
  /**
   * Path within the source, or the source's `to` if that is bad. `ERR_MERGE_INTO_SELF`: absolute path of the directory.
   */
  path: string
  reason: string
}

/** What all errors of this library have in common that are not failed system calls. */
interface MergeErrorBase<Code extends string> extends Error {
  readonly name: 'MergeError'
  readonly code: Code
  /** All failures, if several things failed; this one first. */
  readonly errors?: readonly unknown[]
}

/** Sources, or a source and dest, differ at a path, and no policy decides. */
export interface MergeConflictError extends MergeErrorBase<'ERR_MERGE_CONFLICT'> {
  /** Every one of them. */
  readonly conflicts: Conflict[]
}

/** Names that dest cannot have, that lead out of it, or that are reserved. */
export interface InvalidPathError extends MergeErrorBase<'ERR_MERGE_INVALID_PATH'> {
  /** Every one of them. */
  readonly paths: SourcePath[]
}

/** Entries that cannot be merged: fifos, sockets, devices, and symlinks that the option `symlinks` refuses. */
export interface UnsupportedFileError extends MergeErrorBase<'ERR_MERGE_UNSUPPORTED_FILE'> {
  /** Every one of them. */
  readonly paths: SourcePath[]
}

/** dest is inside a source, or a source inside dest. */
export interface IntoSelfError extends MergeErrorBase<'ERR_MERGE_INTO_SELF'> {
  /** Every such source. */
  readonly paths: SourcePath[]
}

/** Another merge did not release dest within `lock.timeout`. */
export interface LockTimeoutError extends MergeErrorBase<'ERR_MERGE_LOCK_TIMEOUT'> {
  /** The directory that is locked. */
  readonly path: string
}

/** A killed merge cannot be undone, or not completely. */
export interface UnrecoveredError extends MergeErrorBase<'ERR_MERGE_UNRECOVERED'> {
  /** Absolute paths of what stays where it is. */
  readonly paths: string[]
}

/** A file was written to while it was being copied or cloned; the result would be a mix, and was removed. */
export interface SourceChangedError extends MergeErrorBase<'ERR_MERGE_SOURCE_CHANGED'> {
  /** The file that was written to. */
  readonly path: string
  /** What it was to become in dest. */
  readonly dest: string
  /** Name of the source; absent for cloneFile(). */
  readonly source?: string
}

/** The manifest is needed but missing, cannot be read, belongs to another dest, or was written by a later version. */
export interface ManifestError extends MergeErrorBase<'ERR_MERGE_MANIFEST'> {
  /** The manifest. */
  readonly path: string
}

/** A merge that was refused. dest is as it was. `switch (error.code)` narrows the type. */
export type MergeError =
  | MergeConflictError
  | InvalidPathError
  | UnsupportedFileError
  | IntoSelfError
  | LockTimeoutError
  | ManifestError
  | UnrecoveredError
  | SourceChangedError

/** The codes of the errors of merges that were refused. */
export type MergeErrorCode = MergeError['code']

type ErrorOf<Code extends MergeErrorCode> = Extract<MergeError, { readonly code: Code }>

/** What an error with that code has in addition to a message. */
type DetailsOf<Code extends MergeErrorCode> = Omit<ErrorOf<Code>, keyof MergeErrorBase<Code>>

interface MergeErrorClass {
  new <Code extends MergeErrorCode>(
    code: Code,
    message: string,
    details: DetailsOf<Code>,
  ): ErrorOf<Code>
  readonly prototype: MergeError
}

/** The class of these errors, for `instanceof`. `isMergeError` also knows those of another copy of this package. */
export const MergeError = class MergeError extends Error {
  readonly code: MergeErrorCode

  constructor(code: MergeErrorCode, message: string, details: object) {
    super(message)
    this.name = 'MergeError'
    this.code = code
    Object.assign(this, details)
  }
} as unknown as MergeErrorClass

const codes: Readonly<Record<MergeErrorCode, true>> = {
  ERR_MERGE_CONFLICT: true,
  ERR_MERGE_INVALID_PATH: true,
  ERR_MERGE_UNSUPPORTED_FILE: true,
  ERR_MERGE_INTO_SELF: true,
  ERR_MERGE_LOCK_TIMEOUT: true,
  ERR_MERGE_MANIFEST: true,
  ERR_MERGE_UNRECOVERED: true,
  ERR_MERGE_SOURCE_CHANGED: true,
}

/**
 * Is it one of the errors with which a merge is refused? Then `error.code` says which one, and TypeScript knows its details. Other
 * errors are failed system calls (`SystemError`), bad arguments (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`), and the reason of
 * an aborted signal.
 */
export function isMergeError(error: unknown): error is MergeError {
  // Not by its class: a program may hold two copies of this package, and jest has classes of its own.
  if (typeof error !== 'object' || error === null) return false
  const { name, code }: { name?: unknown; code?: unknown } = error
  return name === 'MergeError' && typeof code === 'string' && Object.hasOwn(codes, code)
}

import assert from 'node:assert/strict'
import os from 'node:os'
import { getSystemErrorMap } from 'node:util'

import type { SourcePath } from '../../lib/merge-error'
import type { Conflict } from '../../lib/types'

/** All that an error of this library may tell. */
export interface Failure extends Error {
  code?: string
  errno?: number
  syscall?: string
  path?: string
  dest?: string
  source?: string
  paths?: readonly SourcePath[]
  conflicts?: readonly Conflict[]
  errors?: readonly Failure[]
}

/** What an error tells of paths of sources, one line a path. */
export function pathLines({ paths = [] }: Pick<Failure, 'paths'>): string[] {
  return paths.map(({ source, path, reason }) => `${source}: ${path} (${reason})`)
}

/** What a promise rejects with; fails where it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    assert.ok(error instanceof Error, `rejected with ${String(error)}`)
    return error
  }
  assert.fail(`resolved with ${JSON.stringify(value)}`)
}

/** The name of a positive errno, as `code` has it. */
export function codeOf(number: number): string {
  // Windows has none of its own: there they are those of Node's errors.
  const inErrors = process.platform === 'win32' && getSystemErrorMap().get(-number)
  if (inErrors) return inErrors[0]
  const { errno } = os.constants
  const names = Object.entries(errno).filter(([, value]) => value === number)
  return names.find(([name]) => name !== 'EWOULDBLOCK' && name !== 'ENOTSUP')?.[0] ?? ''
}

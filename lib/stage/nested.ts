import { errno } from '../errno'
import { SystemError } from '../errors'
import { below, joinPath, pathOf, type Host, type Place } from '../host/host'
import {
  freshName,
  fromNestedText,
  nestedName,
  RecordError,
  replacedName,
  type MergeRecord,
} from '../records'
import { Allocation } from './allocation'

/**
 * The staging directories of the merge inside directories of dest, by their number from 1 on: paths below dest. `staging`:
 * the main one.
 */
export async function nestedIn(host: Host, staging: Place): Promise<string[]> {
  const paths: string[] = []
  for (let list = 0; ; list++) {
    const name = nestedName + String(list)
    const { errno: failed, syscall, text } = await host.readRecord(staging, name)
    if (failed === errno.ENOENT) return paths
    if (failed !== 0) throw new SystemError(failed, { syscall, path: pathOf(staging, name) })
    for (const path of pathsIn(text)) paths.push(path)
  }
}

/** None for a list that was not written to its end: nothing of it was made then. */
function pathsIn(text: string): string[] {
  try {
    return fromNestedText(text)
  } catch (error) {
    if (error instanceof RecordError) return []
    throw error
  }
}

/** Where what is staged for a directory of dest lies, and what it lost. */
export function twinsAt(
  staging: Place,
  prefix: string,
  path: string,
): { fresh: Place; replaced: Place } {
  const whole = joinPath(prefix, path)
  return {
    fresh: below(below(staging, freshName), whole),
    replaced: below(below(staging, replacedName), whole),
  }
}

/** Which staging directory serves which directory of dest, as the record tells. */
export function allocationOf({ stagings }: MergeRecord): Allocation {
  const allocation = new Allocation()
  for (const [number, { directories }] of stagings.entries()) {
    for (const path of directories) allocation.give(path, number)
  }
  return allocation
}

import type { LockOptions } from '../commit/lock'
import type { Host } from '../host/host'
import type { RecoverResult } from '../types'
import { findAbandoned } from './find'
import { undoMerge } from './undo'

/**
 * Undoes merges into `dest` that were killed, and removes what they left. `dest`: absolute, without
 * symlinks. `lock`: undefined where the caller holds dest's lock, or wants none.
 */
export async function recoverDest(
  host: Host,
  dest: string,
  lock: LockOptions | false | undefined,
): Promise<RecoverResult> {
  const { abandoned, running } = await findAbandoned(host, dest)
  const result: RecoverResult = { undone: 0, removed: 0, running, left: [] }
  for (const merge of abandoned) {
    try {
      if (await undoMerge(host, merge, lock === false ? undefined : lock)) result.undone++
      result.removed++
    } catch (error) {
      result.left.push({ path: merge.directory.path, error })
    } finally {
      await host.close(merge.directory)
      await host.close(merge.parent)
    }
  }
  return result
}

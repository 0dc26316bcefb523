import type { CommitContext } from './commit/commit'
import { firstOf } from './errors'
import type { Context } from './planning'
import { isBusy } from './recover/find'
import { recoverAlone } from './recover/recover'
import type { Site } from './site'

type Rules = Pick<
  CommitContext,
  'host' | 'notAborted' | 'target' | 'lock' | 'recover' | 'isBusy' | 'durable'
>

/** How every commit into dest goes about locks, and about merges that were killed. */
export function commitRules({ host, notAborted, settings }: Context, site: Site): Rules {
  const { lock, signal, durability } = settings
  const { target } = site
  return {
    ...{ host, notAborted, target },
    lock: lock && { ...lock, signal },
    recover: async () => {
      const timeout = lock === false ? undefined : lock.timeout
      const own = (await site.currentStaging)?.path
      const { result, failures } = await recoverAlone(host, target.path, { timeout, signal }, own)
      if (failures.length > 0) throw firstOf(failures)
      site.noteLeft(result.left)
    },
    isBusy: async () => {
      const own = await site.currentStaging
      return own !== undefined && isBusy(host, target.path, own.path)
    },
    durable: durability === 'full',
  }
}

import type { Context } from 'mocha'

/** What this machine cannot run: a missing tool, privilege or kernel feature; never a failed expectation. */
export class Unrunnable extends Error {
  override readonly name = 'Unrunnable'
}

const skipped = new Map<string, number>()

/** Reason → how many times something was skipped for it. */
export function skippedReasons(): ReadonlyMap<string, number> {
  return skipped
}

/**
 * The value of `promise`; when it rejects with `Unrunnable`, the test or, called in `before`, its whole suite is
 * reported as pending and the reason is listed at the end of the run. With CI=true nothing may be skipped: it fails.
 */
export async function orSkip<T>(context: Context, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (!(error instanceof Unrunnable) || process.env['CI'] === 'true') throw error
    skipped.set(error.message, (skipped.get(error.message) ?? 0) + 1)
    return context.skip()
  }
}

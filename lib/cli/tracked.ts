import type { MergeOptions } from '../types'
import type { CliContext } from './command'
import { toMergeOptions, type MergeCliOptions } from './options'
import { progressOn } from './progress'

/** Runs a merge or a plan with the options of the command line, its progress on stderr, and Ctrl-C to end it. */
export async function tracked<T>(
  context: CliContext,
  given: MergeCliOptions,
  run: (options: MergeOptions) => Promise<T>,
): Promise<T> {
  const progress = progressOn(context, given)
  try {
    return await run({
      ...toMergeOptions(given),
      signal: context.signal,
      onProgress: progress.update,
    })
  } finally {
    progress.stop()
  }
}

import type { MergeProgress } from '../index'
import type { CliContext } from './command'
import type { OutputOptions } from './options'
import { ProgressBar } from './progress-bar'
import { ProgressLines } from './progress-lines'

/** How far a merge is, told on stderr. */
export interface ProgressView {
  readonly update: (progress: MergeProgress) => void
  readonly stop: () => void
}

const silent: ProgressView = { update: () => undefined, stop: () => undefined }

/** A bar on a terminal; now and then a line where there is none, or in CI, where nobody sees a bar move. */
export function progressOn(
  { stderr, tell, signal }: CliContext,
  { json, quiet }: OutputOptions,
): ProgressView {
  if (quiet === true) return silent
  const { CI = '', TERM } = process.env
  const inCI = CI !== '' && CI !== 'false'
  if (stderr.isTTY !== true || inCI || TERM === 'dumb') return new ProgressLines(tell)
  // What is on a terminal with --json may be all of one screen.
  if (json === true) return silent
  const bar = new ProgressBar(stderr)
  signal.addEventListener('abort', bar.stop)
  return bar
}

import type { Modified } from '../index'
import { listLines } from './list-lines'
import type { OutputOptions } from './options'
import { formatCount } from './units'

const words: Readonly<Record<Modified['how'], string>> = {
  content: 'other content',
  mode: 'other permission bits',
  type: 'replaced by something of another kind',
  missing: 'missing',
  found: 'already there',
}

/** `lib/a.js (other content): @acme/core`, with what became of it where that is asked for. */
function lineOf({ path, source, how, kept }: Modified, isDone: boolean): string {
  const outcome = kept ? ', kept' : how === 'missing' ? '' : ', not kept'
  return `${path} (${words[how]}): ${source}${isDone ? outcome : ''}`
}

/** Of a merge or a removal: what was not as an earlier merge had left it, and what became of that, for people. */
export function modifiedLines(modified: readonly Modified[], options: OutputOptions): string[] {
  const changed = modified.filter(({ how }) => how !== 'found')
  const found = modified.filter(({ how }) => how === 'found')
  const stood = formatCount(found.length, 'entry', 'entries')
  return [
    ...listLines(
      `${formatCount(changed.length, 'entry', 'entries')} changed since an earlier merge`,
      changed.map((each) => lineOf(each, true)),
      options,
    ),
    ...listLines(
      `${stood} kept, already there before the first merge with a manifest`,
      found.map((each) => `${each.path}: ${each.source}`),
      options,
    ),
  ]
}

/** The same where nothing was done. */
export function differingLines(modified: readonly Modified[], options: OutputOptions): string[] {
  return listLines(
    `${formatCount(modified.length, 'entry', 'entries')} not as recorded`,
    modified.map((each) => lineOf(each, false)),
    options,
  )
}

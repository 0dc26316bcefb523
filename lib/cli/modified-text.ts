import type { Modified } from '../index'
import { listLines } from './list-lines'
import type { OutputOptions } from './options'
import { formatCount } from './units'

const words: Readonly<Record<Modified['how'], string>> = {
  content: 'content',
  mode: 'permission bits',
  type: 'something else stands there',
  missing: 'missing',
  found: 'there before',
}

/** `lib/a.js (content): kept` */
function lineOf({ path, how, kept }: Modified): string {
  const line = `${path} (${words[how]})`
  if (how === 'missing' || how === 'found') return line
  return `${line}: ${kept ? 'kept' : 'not kept'}`
}

/** What was not as an earlier merge had left it, and what became of it, for people. */
export function modifiedLines(modified: readonly Modified[], options: OutputOptions): string[] {
  const changed = modified.filter(({ how }) => how !== 'found')
  const found = modified.filter(({ how }) => how === 'found')
  const count = formatCount(changed.length, 'entry', 'entries')
  const had = changed.length === 1 ? 'was' : 'were'
  const stood = formatCount(found.length, 'entry', 'entries')
  return [
    ...listLines(
      `${count} ${had} changed since an earlier merge put ${changed.length === 1 ? 'it' : 'them'} there`,
      changed.map(lineOf),
      options,
    ),
    ...listLines(
      `${stood} stood there before the first merge with a manifest, and ${found.length === 1 ? 'stays' : 'stay'}`,
      found.map(({ path }) => path),
      options,
    ),
  ]
}

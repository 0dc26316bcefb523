import Table from 'cli-table3'
import { Help } from 'commander'

// No lines: they cost columns, and figures that are aligned need none.
const chars = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left'],
    ...['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
)
const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 }

/** Columns of figures, the first one of text. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  gap = '  ',
): string {
  const colAligns = head.map((_, index) => (index === 0 ? 'left' : 'right'))
  const made = new Table({ head: [...head], chars: { ...chars, middle: gap }, style, colAligns })
  for (const row of rows) made.push([...row])
  return withoutPadding(made.toString())
}

/** A paragraph in lines of at most so many columns, the first one begun by a mark. */
export function paragraph(mark: string, text: string, width: number): string {
  const indent = ' '.repeat(mark.length + 1)
  return `${mark} ${wrapped(text, width - indent.length).replaceAll('\n', `\n${indent}`)}`
}

/** Text in lines of at most so many columns, but for words that are longer, such as paths. */
export function wrapped(text: string, width: number): string {
  return new Help().boxWrap(text, width)
}

function withoutPadding(text: string): string {
  return text.replaceAll(/ +$/gm, '')
}

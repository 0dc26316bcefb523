import { Format } from 'cli-progress'
import { table } from './text-table'

export interface Bar {
  readonly title: string
  readonly value: number
  /** The value as it is read. */
  readonly label: string
}

const barOptions = {
  barCompleteString: '█'.repeat(80),
  barIncompleteString: ' '.repeat(80),
  barGlue: '',
}

/** Bars from zero, the longest over the whole width that is left. */
export function bars(all: readonly Bar[], width: number): string {
  const longest = (of: (bar: Bar) => string): number =>
    all.reduce((most, bar) => Math.max(most, of(bar).length), 0)
  const barsize = Math.min(
    width - longest(({ title }) => title) - longest(({ label }) => label) - 4,
    50,
  )
  const most = all.reduce((highest, { value }) => Math.max(highest, value), 0)
  const rows = all.map(({ title, value, label }) => {
    return [title, label, Format.BarFormat(value / most, { ...barOptions, barsize })]
  })
  return table(['', '', ''], rows).replace(/^\n/, '')
}

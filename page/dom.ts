type Content = Node | string

/** An element with attributes and what is in it. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly Content[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...content)
  return made
}

export interface Cell {
  readonly text: string
  /** Share of the longest bar, 0 to 1. */
  readonly bar?: number
}

/** A table whose first column names the rows. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
): HTMLElement {
  const headCells = head.map((text) => element('th', { scope: 'col' }, text))
  const bodyRows = rows.map((cells) => element('tr', {}, ...cells.map(cellOf)))
  return element(
    'div',
    { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...headCells)),
      element('tbody', {}, ...bodyRows),
    ),
  )
}

function cellOf(cell: string | Cell, index: number): HTMLElement {
  const { text, bar } = typeof cell === 'string' ? { text: cell } : cell
  if (index === 0) return element('th', { scope: 'row' }, text)
  if (bar === undefined) return element('td', {}, text)
  const share = `${(100 * bar).toFixed(1)}%`
  return element('td', { class: 'bar', style: `--share: ${share}` }, text)
}

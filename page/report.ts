import { counted, formatBytes, formatMs, rounded } from '../lib/bench/format'
import type { BenchResult, Row, SourceState } from '../lib/bench/result'
import { byMethod } from './by-method'
import { bySize, quantities } from './by-size'
import { byWorkers } from './by-workers'
import { element } from './dom'

const result = JSON.parse(document.getElementById('result')?.textContent ?? '') as BenchResult
document.body.append(
  element(
    'main',
    {},
    element('h1', {}, `What cloning brings on ${result.directory}`),
    circumstances(result),
    element('h2', {}, 'Recommended link modes'),
    element('p', { class: 'recommendation' }, result.recommendation.text),
    element('h2', {}, 'Conclusions'),
    conclusions(result),
    element('h2', {}, 'By file size'),
    sizes(result.rows),
    element('h2', {}, 'A package tree'),
    byMethod(result.rows, 'settled'),
    byMethod(result.rows, 'fresh'),
    element('h2', {}, 'By number of workers'),
    byWorkers(result.rows),
    element('h2', {}, 'How to read it'),
    readingHelp(),
  ),
)

function circumstances({ machine, tree, rounds, ...rest }: BenchResult): HTMLElement {
  const lines = [
    `${rest.fileSystem}; ${machine.cpu}, ${String(machine.cores)} cores, ` +
      `${formatBytes(machine.memory)}; ${machine.platform} ${machine.release}; Node ${machine.node}; ` +
      `reflink-merge ${machine.version}${machine.addon ? '' : ' without its addon'}; ` +
      `load ${rounded(machine.load)} before.`,
    `Medians of ${counted(rounds, 'round')}${rest.cutShort ? ', ended early by the time limit' : ''}; ` +
      `measured ${rest.date.slice(0, 16).replace('T', ' ')} UTC in ${formatMs(rest.seconds * 1000)}.`,
    `The package tree: ${tree.source ?? 'made like npm packages'}, ${counted(tree.files, 'file')} in ` +
      `${counted(tree.directories, 'directory', 'directories')}, ${formatBytes(tree.bytes)}.`,
  ]
  return element('div', { class: 'muted' }, ...lines.map((line) => element('p', {}, line)))
}

function conclusions({ conclusions: all }: BenchResult): HTMLElement {
  const items = all.map(({ certain, text }) =>
    element('li', { class: certain ? 'certain' : 'unclear' }, text),
  )
  return element('ul', { class: 'conclusions' }, ...items)
}

/** One quantity and one state of the source at a time, to be chosen. */
function sizes(rows: readonly Row[]): HTMLElement {
  const choice = { quantity: quantities[0], state: 'settled' as SourceState }
  const shown = element('div', {})
  const state = chooser('Source', ['settled', 'fresh'], (value) => {
    choice.state = value as SourceState
    show()
  })
  const quantity = chooser(
    'Show',
    quantities.map(({ title }) => title),
    (value) => {
      choice.quantity = quantities.find(({ title }) => title === value)
      show()
    },
  )
  function show(): void {
    if (choice.quantity === undefined) return
    const { states } = choice.quantity
    state.hidden = states.length < 2
    const of = states.includes(choice.state) ? choice.state : 'settled'
    shown.replaceChildren(bySize(rows, choice.quantity, of))
  }
  show()
  const disk = quantities.find(({ title }) => title === 'Disk used')
  return element(
    'div',
    {},
    element('div', { class: 'choosers' }, quantity, state),
    shown,
    ...(disk === undefined ? [] : [element('h3', {}, disk.title), bySize(rows, disk, 'settled')]),
  )
}

function chooser(
  label: string,
  values: readonly string[],
  onChange: (value: string) => void,
): HTMLElement {
  const select = element('select', {}, ...values.map((value) => element('option', {}, value)))
  select.addEventListener('change', () => {
    onChange(select.value)
  })
  return element('label', {}, `${label} `, select)
}

function readingHelp(): HTMLElement {
  const lines = [
    'Whiskers go from the least to the most of the rounds. ~ marks where these are more than 30 % of the median apart: take no figure from it.',
    'A conclusion that is marked with ? is none: the rounds contradict each other.',
    'settled: the source has long been on disk, and is in the page cache. fresh: it was written a moment ago.',
    'sync: after the time, until all is on disk. disk: by how much the used space of the file system grew, names and all; contents: the part of that which is file contents, where the file system tells.',
    'blocks: what the biggest file has in common with its source: shared blocks, all of it (linked), or nothing (own).',
    'Point at a chart for its figures; click a name below it to hide its line.',
  ]
  return element('ul', { class: 'muted' }, ...lines.map((line) => element('li', {}, line)))
}

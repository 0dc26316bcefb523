import { methods, type Method } from '../lib/bench/result'
import { titles } from '../lib/bench/titles'
import { element } from './dom'

/** The names of a chart's lines, each with a piece of its line; pointing at the chart adds the figures there. */
export interface Legend {
  readonly element: HTMLElement
  /** What is pointed at, and the figure of each line there; undefined: nothing is. */
  readonly show: (at: string | undefined, figures: ReadonlyMap<Method, string>) => void
}

/** `dashes`: of each line, as a canvas takes them. `onToggle`: a name was clicked. */
export function legend(
  lines: readonly Method[],
  dashes: Readonly<Record<Method, readonly number[]>>,
  onToggle: (method: Method, isShown: boolean) => void,
): Legend {
  const at = element('span', { class: 'at' })
  const figures = new Map(lines.map((method) => [method, element('span', { class: 'figure' })]))
  const entries = lines.map((method) => {
    const button = element(
      'button',
      { type: 'button', 'aria-pressed': 'true', 'data-method': method },
      sample(method, dashes[method]),
      titles[method],
    )
    button.addEventListener('click', () => {
      const isShown = button.getAttribute('aria-pressed') !== 'true'
      button.setAttribute('aria-pressed', String(isShown))
      onToggle(method, isShown)
    })
    return element('li', {}, button, figures.get(method) ?? '')
  })
  return {
    element: element('ul', { class: 'legend' }, ...entries, element('li', {}, at)),
    show(pointedAt, told) {
      at.textContent = pointedAt === undefined ? '' : `at ${pointedAt}`
      for (const [method, figure] of figures) figure.textContent = told.get(method) ?? ''
    },
  }
}

/** A piece of the line, in the colour that the theme has for it. */
function sample(method: Method, dashes: readonly number[]): SVGElement {
  const namespace = 'http://www.w3.org/2000/svg'
  const picture = document.createElementNS(namespace, 'svg')
  for (const [name, value] of Object.entries({ width: '28', height: '8', 'aria-hidden': 'true' }))
    picture.setAttribute(name, value)
  const line = document.createElementNS(namespace, 'line')
  const place = { x1: '0', x2: '28', y1: '4', y2: '4', 'stroke-width': '2' }
  for (const [name, value] of Object.entries(place)) line.setAttribute(name, value)
  line.setAttribute('stroke-dasharray', dashes.join(' '))
  line.style.stroke = `var(--series-${String(methods.indexOf(method))})`
  picture.append(line)
  return picture
}

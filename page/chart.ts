import uPlot from 'uplot'
import { methods, type Method } from '../lib/bench/result'
import type { Summary } from '../lib/bench/statistics'
import { titles } from '../lib/bench/titles'
import { element } from './dom'
import { legend } from './legend'
import { currentTheme, onThemeChange, type Theme } from './theme'

/** Lines over one axis, a method each, with a whisker from the least to the most of the rounds at every point. */
export interface ChartSpec {
  readonly label: string
  readonly xs: readonly number[]
  readonly lines: ReadonlyMap<Method, readonly (Summary | null)[]>
  readonly x: AxisSpec
  readonly y: AxisSpec
}

/** `asinh`: linear up to about `linear`, logarithmic beyond, so that zero has a place, too. */
type ScaleSpec =
  | { readonly kind: 'linear' }
  | { readonly kind: 'log'; readonly base: 2 | 10 }
  | { readonly kind: 'asinh'; readonly linear: number }

export interface AxisSpec {
  readonly label: string
  readonly scale: ScaleSpec
  /** Where it is labelled; default: where uPlot thinks. */
  readonly splits?: readonly number[]
  readonly format: (value: number) => string
}

// Told apart without colours, too.
const dashes: Readonly<Record<Method, number[]>> = {
  clone: [],
  hardlink: [8, 4],
  copy: [2, 3],
  'fs.cp': [12, 3, 2, 3],
  'fs.copyFile': [5, 2],
}

const font = '12px system-ui, sans-serif'
const height = 340
// Below, only every other label has room.
const narrow = 560

/** A chart that follows its width and the theme. */
export function chart(spec: ChartSpec): HTMLElement {
  const host = element('div', { class: 'lines', role: 'img', 'aria-label': spec.label })
  const shown = drawnMethods(spec.lines)
  const hidden = new Set<Method>()
  let drawn: uPlot | undefined
  const names = legend(shown, dashes, (method, isShown) => {
    if (isShown) hidden.delete(method)
    else hidden.add(method)
    drawn?.setSeries(shown.indexOf(method) + 1, { show: isShown })
  })
  const point = (index: number | null | undefined): void => {
    const x = spec.xs[index ?? -1]
    const figures = shown.map((method): [Method, string] => {
      return [method, text(spec.lines.get(method)?.[index ?? -1]?.median, spec.y.format)]
    })
    if (x === undefined) names.show(undefined, new Map())
    else names.show(spec.x.format(x), new Map(figures))
  }
  const draw = (): void => {
    drawn?.destroy()
    point(null)
    const width = Math.max(host.clientWidth, 280)
    const options = optionsOf(spec, width, currentTheme(), hidden)
    options.hooks = {
      ...options.hooks,
      setCursor: [
        ({ cursor }) => {
          point(cursor.idx)
        },
      ],
    }
    drawn = new uPlot(options, dataOf(spec), host)
  }
  let last = 0
  new ResizeObserver(() => {
    if (host.clientWidth === last) return
    last = host.clientWidth
    draw()
  }).observe(host)
  onThemeChange(draw)
  return element('div', { class: 'chart' }, host, names.element)
}

function dataOf({ xs, lines }: ChartSpec): uPlot.AlignedData {
  const medians = drawnMethods(lines).map((method) =>
    (lines.get(method) ?? []).map((summary) => summary?.median ?? null),
  )
  return [[...xs], ...medians]
}

function drawnMethods(lines: ChartSpec['lines']): Method[] {
  return methods.filter((method) => lines.has(method))
}

function optionsOf(
  spec: ChartSpec,
  width: number,
  theme: Theme,
  hidden: ReadonlySet<Method>,
): uPlot.Options {
  const shown = drawnMethods(spec.lines)
  const summaries = [...spec.lines.values()].flat().filter((summary) => summary !== null)
  const least = Math.min(...summaries.map(({ min }) => min))
  const most = Math.max(...summaries.map(({ max }) => max))
  return {
    ...{ width, height },
    scales: {
      x: { time: false, ...scaleOf(spec.x.scale) },
      y: { ...scaleOf(spec.y.scale), range: () => rangeOf(spec.y.scale, least, most) },
    },
    axes: [
      { ...axis(spec.x, theme, width < narrow), size: 34, labelSize: 20 },
      { ...axis(spec.y, theme, false), size: 70, labelSize: 22 },
    ],
    cursor: { drag: { x: false, y: false }, points: { size: 8 } },
    legend: { show: false },
    series: [
      {},
      ...shown.map((method) => ({
        label: titles[method],
        show: !hidden.has(method),
        stroke: theme.series[method],
        width: 2,
        dash: dashes[method],
        points: { show: true, size: 6, fill: theme.series[method] },
      })),
    ],
    hooks: {
      drawSeries: [
        (plot, index) => {
          const method = shown[index - 1]
          if (method === undefined || plot.series[index]?.show !== true) return
          whiskers(plot, spec.xs, spec.lines.get(method) ?? [], theme.series[method])
        },
      ],
    },
  }
}

/* eslint-disable @typescript-eslint/no-unsafe-enum-assignment -- the enum exists in uPlot's types only */
const linear = 1 as uPlot.Scale.Distr
const logarithmic = 3 as uPlot.Scale.Distr
const arcsinh = 4 as uPlot.Scale.Distr
/* eslint-enable @typescript-eslint/no-unsafe-enum-assignment */

function scaleOf(scale: ScaleSpec): uPlot.Scale {
  if (scale.kind === 'log') return { distr: logarithmic, log: scale.base }
  return scale.kind === 'asinh' ? { distr: arcsinh, asinh: scale.linear } : { distr: linear }
}

/** So that all whiskers are within; uPlot looks at the medians alone. */
function rangeOf(scale: ScaleSpec, least: number, most: number): uPlot.Range.MinMax {
  if (scale.kind === 'log') return uPlot.rangeLog(least, most, scale.base, true)
  if (scale.kind === 'asinh') return uPlot.rangeAsinh(Math.min(least, 0), most, 10, true)
  return [0, most * 1.05]
}

function axis(
  { label, scale, splits, format }: AxisSpec,
  theme: Theme,
  sparse: boolean,
): uPlot.Axis {
  const isPower = (value: number): boolean =>
    Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6)
  const line = {
    ...{ stroke: theme.grid, width: 1 },
    // Nine lines a decade would hide the data.
    ...(scale.kind === 'log' && scale.base === 10
      ? { filter: (_: uPlot, all: number[]) => all.map((value) => (isPower(value) ? value : null)) }
      : {}),
  }
  return {
    ...{ label, font, labelFont: font, stroke: theme.text, grid: line, ticks: line },
    values: (_, values) =>
      values.map((value, index) =>
        // uPlot gives null where a logarithmic axis has no room.
        (value as number | null) === null || (sparse && index % 2 === 1) ? '' : format(value),
      ),
    ...(splits === undefined ? {} : { splits: () => [...splits], filter: (_, all) => all }),
  }
}

function text(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value)
}

function whiskers(
  plot: uPlot,
  xs: readonly number[],
  summaries: readonly (Summary | null)[],
  colour: string,
): void {
  const { ctx } = plot
  ctx.save()
  ctx.strokeStyle = colour
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  summaries.forEach((summary, index) => {
    const at = xs[index]
    if (summary === null || at === undefined) return
    const x = plot.valToPos(at, 'x', true)
    ctx.moveTo(x, plot.valToPos(summary.min, 'y', true))
    ctx.lineTo(x, plot.valToPos(summary.max, 'y', true))
  })
  ctx.stroke()
  ctx.restore()
}

import { methods, type Method } from '../lib/bench/result'

/** Colours of the style sheet, as a canvas needs them. */
export interface Theme {
  readonly text: string
  readonly grid: string
  readonly series: Readonly<Record<Method, string>>
}

export function currentTheme(): Theme {
  const style = getComputedStyle(document.documentElement)
  const variable = (name: string): string => style.getPropertyValue(name).trim()
  const colours = methods.map((method, index) => [method, variable(`--series-${String(index)}`)])
  return {
    text: variable('--muted'),
    grid: variable('--grid'),
    series: Object.fromEntries(colours) as Record<Method, string>,
  }
}

/** Calls back when the system goes from light to dark, or back. */
export function onThemeChange(listener: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener)
}

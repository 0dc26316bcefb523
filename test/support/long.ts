import { tell } from './figures'

/** Is this the long version of the loops, which takes minutes (`npm run test:torture`)? */
export const isLong = process.env['REFLINK_MERGE_LONG'] === '1'

/** How many random cases a loop tries: in `npm run test:torture` 25,000, under sanitizers 200. */
export const runs = Number(process.env['REFLINK_MERGE_RUNS'] ?? 200)

/** Is each combination tried, and not a sample of them? */
export const isThorough = runs > 2000

/**
 * Of many combinations one in `every`, other ones for each `turn`; all where each is tried. `every` and the length of what
 * varies fastest should have no common divisor.
 */
export function sampled<T>(all: readonly T[], every: number, turn = 0): readonly T[] {
  return isThorough ? all : all.filter((_, index) => (index + turn) % every === 0)
}

/** How many rounds a loop has, in the suite and in its long version. */
export function rounds(short: number, long: number): number {
  return isLong ? long : short
}

/** Tells a figure of a run: what a loop saw is worth nothing without how often it looked. */
export function tellFigures(figures: Readonly<Record<string, number | string>>): void {
  for (const [what, figure] of Object.entries(figures))
    if (typeof figure === 'number') tell(what, figure)
  const told = Object.entries(figures).map(([what, figure]) => `${what} ${String(figure)}`)
  console.log(`        ${told.join(', ')}`)
}

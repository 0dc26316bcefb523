import type { OutputOptions } from './options'

// More than a screen of them is no summary.
const shown = 20

/** A heading, and below it each line, or with --verbose missing the first of them; nothing where there are none. */
export function listLines(
  heading: string,
  lines: readonly string[],
  { verbose }: OutputOptions,
): string[] {
  if (lines.length === 0) return []
  const some = verbose === true ? lines : lines.slice(0, shown)
  const more = lines.length - some.length
  const all = [`${heading}:`, ...some.map((line) => `  ${line}`)]
  if (more > 0) all.push(`  … and ${more.toLocaleString('en')} more: --verbose shows all`)
  return all
}

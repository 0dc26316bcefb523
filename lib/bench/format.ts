const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes in powers of 1,000, as disks are sold; may be negative. */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes)
  const power = size < 1 ? 0 : Math.min(Math.floor(Math.log10(size) / 3), units.length - 1)
  return `${rounded(bytes / 1000 ** power)} ${units[power] ?? ''}`
}

/** File sizes are powers of 1,024. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)} B`
  return bytes < 1024 ** 2 ? `${String(bytes / 1024)} KiB` : `${String(bytes / 1024 ** 2)} MiB`
}

export function formatMs(ms: number): string {
  if (Math.abs(ms) < 1) return `${rounded(ms * 1000)} µs`
  return Math.abs(ms) < 1000 ? `${rounded(ms)} ms` : `${rounded(ms / 1000)} s`
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en')
}

/** `1 file`, `1,200 files`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`
}

/** Three digits, as no measurement here is good for more. */
export function rounded(value: number): string {
  if (Math.abs(value) >= 100 || value === 0) return formatCount(value)
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1).replace(/\.?0+$/, '')
}

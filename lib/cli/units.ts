const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes in powers of 1,000, as disks are sold and df -H shows them. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  const value = bytes / 1000 ** power
  return `${power === 0 ? String(value) : value.toFixed(1)} ${units[power] ?? ''}`
}

export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`
}

/** Whole seconds: `7 s`, `2 min 5 s`, `3 h 20 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Three significant digits: `0.83 µs`, `12.4 µs`, `1.24 ms`. */
export function formatMicroseconds(microseconds: number): string {
  const value = (number: number): string => Number(number.toPrecision(3)).toLocaleString('en')
  if (microseconds < 1000) return `${value(microseconds)} µs`
  if (microseconds < 1_000_000) return `${value(microseconds / 1000)} ms`
  return `${value(microseconds / 1_000_000)} s`
}

import { counted, formatBytes, formatSize } from './format'
import type { Conclusion, Row } from './result'

// Of the bytes that were placed: what names, inodes and block lists take in addition.
const small = 0.01

/** What some files of one size took on disk, and how far that is to be trusted. */
export function describeDisk(row: Row, title: string): Conclusion {
  const { disk, data, bytes, files, size } = row
  const what = `${counted(files, 'file')} of ${formatSize(size ?? 0)} by ${title}`
  if (disk === null) return { about: 'disk', certain: false, text: `${what}: not measured.` }
  const range = `${formatBytes(disk.min)} to ${formatBytes(disk.max)} in each round`
  if (data?.min === 0 && data.max === 0) {
    return {
      about: 'disk',
      certain: true,
      text: `${what}: 0 B of disk for contents; with names and block lists ${formatBytes(disk.median)} (${range}).`,
    }
  }
  const used = `${what}: ${formatBytes(disk.median)} of disk (${range})`
  // Somebody else wrote or removed something meanwhile, or the file system does not settle.
  if (disk.max - disk.min > small * bytes + slack) {
    return { about: 'disk', certain: false, text: `${used}; too far apart to say how much it is.` }
  }
  const share = disk.max < small * bytes ? ', which is names and block lists, no contents' : ''
  return { about: 'disk', certain: true, text: `${used}${share}.` }
}

// A few blocks of a file system's own trees come and go whatever one does.
const slack = 256 * 1024

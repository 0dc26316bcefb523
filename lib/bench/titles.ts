import type { Method } from './result'

/** What methods are called in reports. */
export const titles: Readonly<Record<Method, string>> = {
  clone: 'clone',
  hardlink: 'hard link',
  copy: 'copy',
  'fs.cp': 'fs.cp',
  'fs.copyFile': 'fs.copyFile',
}

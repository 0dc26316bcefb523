import { release } from 'node:os'

// ns. Kernels without finer time stamps stamp changes with a clock that ticks every 1 to 10 ms.
export const longestTick = 20_000_000n

/**
 * From Linux 6.13 on, after a look at an entry its next change always shows another ctime (multigrain timestamps,
 * Documentation/filesystems/multigrain-ts.rst of the kernel).
 */
const isMultigrain = ((): boolean => {
  if (process.platform !== 'linux') return false
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 13)
})()

/**
 * Will any change after a look show another ctime? Elsewhere two changes within one tick of the clock have the same.
 * `ctime`: ns; `at`: ns, when the look began, by the clock of the file system or, where that is unknown, the system's; 0: who
 * knows what was changed before.
 */
export function isReliable(ctime: bigint, at: bigint): boolean {
  if (at === 0n) return false
  return isMultigrain || (ctime + longestTick < at && ctime % 10_000_000n !== 0n)
}

/** Now, in ns since 1970, by the system's clock. */
export function systemTime(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

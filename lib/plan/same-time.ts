/** ns: of NTFS; what a number of seconds keeps; of FAT's and other coarse clocks. */
const steps = [100n, 1000n, 1_000_000n, 10_000_000n, 1_000_000_000n, 2_000_000_000n]
const exactEnough = 1000n

/** Is a time, in ns, the one that is wanted, or what a file system with a coarser clock has made of it? */
export function isSameTime(wanted: bigint, found: bigint): boolean {
  const [a, b] = [BigInt.asIntN(64, wanted), BigInt.asIntN(64, found)]
  const apart = a < b ? b - a : a - b
  return apart < exactEnough || steps.some((step) => apart < step && b % step === 0n)
}

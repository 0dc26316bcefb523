/** What distinguishes an entry from a later one that was given its inode number. */
export interface Identity {
  readonly ino: bigint
  /** ns since 1970; 0 where the file system keeps none. */
  readonly birth: bigint
  /** A hash of the file handle, which has the inode's generation; 0 where there is none, or nobody could ask. */
  readonly handle: bigint
}

/**
 * Are they of one entry? Undefined where inode numbers alone tell, which are given again. The device is never compared: its
 * number changes when the system starts.
 */
export function isSame(a: Identity, b: Identity): boolean | undefined {
  if (a.handle !== 0n && b.handle !== 0n && a.handle !== b.handle) return false
  const isBorn = a.birth !== 0n && b.birth !== 0n
  if (isBorn && a.birth !== b.birth) return false
  const isHandled = a.handle !== 0n && b.handle !== 0n
  if (a.ino === b.ino) return isBorn || isHandled ? true : undefined
  // FUSE gives an inode another number once the kernel has forgotten it; it has neither of the others.
  return isBorn || isHandled ? false : undefined
}

export function identityText({ ino, birth, handle }: Identity): string {
  return [ino, birth, handle].map((number) => number.toString(36)).join('.')
}

const part = /^[0-9a-z]{1,13}$/

/** Undefined for what identityText() never gives. */
export function readIdentity(text: unknown): Identity | undefined {
  if (typeof text !== 'string') return undefined
  const parts = text.split('.')
  if (parts.length !== 3 || !parts.every((each) => part.test(each))) return undefined
  const [ino = 0n, birth = 0n, handle = 0n] = parts.map(fromBase36)
  return { ino, birth, handle }
}

function fromBase36(text: string): bigint {
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return value
}

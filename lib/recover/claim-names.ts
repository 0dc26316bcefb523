const prefix = 'claim-'

/** The file by which a recovery keeps others from a staging directory; each that was killed leaves its own. */
export function claimName(number: number): string {
  return prefix + String(number)
}

export function isClaimName(name: string): boolean {
  return name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length))
}

import type { TreeDirectory } from '../scan/tree'
import { Kind } from '../host/host'

/** One source's directory for a path. */
export interface Provider {
  readonly source: number
  readonly tree: TreeDirectory
}

/** One source's wish for a path: an entry of `tree`, or the directory `child`. */
export interface Claim extends Provider {
  readonly name: string
  readonly index: number
  readonly child: TreeDirectory | undefined
}

export type Claims = readonly [Claim, ...Claim[]]

/** Every name of the providers, with who claims it, in the caller's order. */
export function claimsOf(providers: readonly Provider[]): Map<string, Claims> {
  const claims = new Map<string, [Claim, ...Claim[]]>()
  const add = (claim: Claim): void => {
    const others = claims.get(claim.name)
    if (others === undefined) claims.set(claim.name, [claim])
    else others.push(claim)
  }
  for (const { source, tree } of providers) {
    tree.names.forEach((name, index) => {
      add({ source, tree, name, index, child: undefined })
    })
    for (const [name, child] of tree.directories) add({ source, tree, name, index: -1, child })
  }
  return claims
}

export function kindOf({ tree, index, child }: Claim): number {
  return child === undefined ? (tree.kinds[index] ?? Kind.Missing) : Kind.Directory
}

/** The bits that make two files with the same bytes different. */
export function executableBits(mode: number | undefined): number {
  return (mode ?? 0) & 0o111
}

import { Kind } from '../host/host'
import type { TreeDirectory } from '../scan/tree'

/** One source's directory for a path. */
export interface Provider {
  readonly source: number
  readonly tree: TreeDirectory
}

/** One source's wish for a path: an entry of `tree`, or the directory `child`. */
export interface Claim extends Provider {
  readonly index: number
  readonly child: TreeDirectory | undefined
}

/** Every name of the providers, with who claims it, in the caller's order. */
export function claimsOf(providers: readonly Provider[]): Map<string, Claim[]> {
  const claims = new Map<string, Claim[]>()
  const add = (name: string, claim: Claim): void => {
    const others = claims.get(name)
    if (others === undefined) claims.set(name, [claim])
    else others.push(claim)
  }
  for (const { source, tree } of providers) {
    tree.names.forEach((name, index) => {
      add(name, { source, tree, index, child: undefined })
    })
    for (const [name, child] of tree.directories) add(name, { source, tree, index: -1, child })
  }
  return claims
}

function kindOf({ tree, index, child }: Claim): number {
  return child === undefined ? (tree.kinds[index] ?? Kind.Missing) : Kind.Directory
}

/** What can be said without reading: do all claims agree, or not, or must bytes be compared? */
export type Verdict = 'same' | 'content' | 'type' | 'compare'

export function judge(claims: readonly [Claim, ...Claim[]]): Verdict {
  const [first, ...others] = claims
  const kind = kindOf(first)
  if (others.some((claim) => kindOf(claim) !== kind)) return 'type'
  if (kind === Kind.Directory) return 'same'
  if (kind === Kind.Symlink) {
    const target = targetOf(first)
    return others.every((claim) => targetOf(claim) === target) ? 'same' : 'content'
  }
  const like = others.every(
    (claim) =>
      claim.tree.sizes[claim.index] === first.tree.sizes[first.index] &&
      executable(claim) === executable(first),
  )
  return like ? 'compare' : 'content'
}

function targetOf({ tree, index }: Claim): string | undefined {
  return tree.targets.get(index)
}

function executable({ tree, index }: Claim): number {
  return executableBits(tree.modes[index])
}

/** The bits that make two files with the same bytes different. */
export function executableBits(mode: number | undefined): number {
  return (mode ?? 0) & 0o111
}

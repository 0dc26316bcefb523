/**
 * A collection of pairs that tells at once whether it holds one which differs from a given pair in both of its members:
 * all pairs, less those that share either member, plus those that share both, which were subtracted twice.
 */
export class Rivals<A, B> {
  private all = 0
  private readonly withFirst = new Map<A, number>()
  private readonly withSecond = new Map<B, number>()
  private readonly withBoth = new Map<A, Map<B, number>>()

  add(first: A, second: B): void {
    this.all++
    increment(this.withFirst, first)
    increment(this.withSecond, second)
    let both = this.withBoth.get(first)
    if (both === undefined) this.withBoth.set(first, (both = new Map<B, number>()))
    increment(both, second)
  }

  /** Does any pair have another first member? */
  hasOtherFirst(first: A): boolean {
    return this.all > (this.withFirst.get(first) ?? 0)
  }

  /** Does any pair have both another first and another second member? */
  hasOther(first: A, second: B): boolean {
    const sharing = (this.withFirst.get(first) ?? 0) + (this.withSecond.get(second) ?? 0)
    return this.all > sharing - (this.withBoth.get(first)?.get(second) ?? 0)
  }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

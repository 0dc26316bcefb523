/** Adds items to a list. `push(...items)` puts each of them on the stack, which has room for some 100,000. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item)
}

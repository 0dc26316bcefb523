/**
 * A node and all below it, each before what is below it, in order. Trees may be deeper than the stack is, so nothing here
 * calls itself. What is below a node is asked for once the caller is done with it.
 */
export function* preOrder<T>(
  root: T,
  childrenOf: (node: T) => Iterable<T> | undefined,
): Generator<T> {
  const open: Iterator<T>[] = [[root].values()]
  for (;;) {
    const next = open.at(-1)?.next()
    if (next === undefined) return
    if (next.done === true) {
      open.pop()
      continue
    }
    yield next.value
    const children = childrenOf(next.value)
    if (children !== undefined) open.push(children[Symbol.iterator]())
  }
}

/** The same with a visitor, which answers what below the node is to be visited. */
export function walk<T>(root: T, visit: (node: T) => Iterable<T> | undefined): void {
  let below: Iterable<T> | undefined
  for (const node of preOrder(root, () => below)) below = visit(node)
}

/** Lets so many calls run at once; the others wait their turn, in the order in which they came. */
export class Gate {
  private readonly waiting: (() => void)[] = []

  constructor(private free: number) {}

  async pass<T>(call: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.waiting.push(resolve))
    try {
      return await call()
    } finally {
      // The place goes to the next in line, or is free again.
      const next = this.waiting.shift()
      if (next === undefined) this.free++
      else next()
    }
  }
}

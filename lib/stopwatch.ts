/** Milliseconds of each phase, and of all together. */
export class Stopwatch<Phase extends string> {
  private readonly start = performance.now()
  private lapStart = this.start
  private readonly laps = new Map<Phase, number>()

  /** The phase that ends now. */
  lap(phase: Phase): void {
    const now = performance.now()
    this.laps.set(phase, (this.laps.get(phase) ?? 0) + now - this.lapStart)
    this.lapStart = now
  }

  of(phase: Phase): number {
    return this.laps.get(phase) ?? 0
  }

  get total(): number {
    return performance.now() - this.start
  }
}

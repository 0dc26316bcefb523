import type { Host } from './host'

/** Lets so many calls run at once; the others wait their turn, in the order in which they came. */
class Gate {
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

/** A host that keeps no more than `most` batches in flight, however many callers it has. */
export function limited(host: Host, most: number): Host {
  const gate = new Gate(most)
  const { cloneDirectory } = host
  const through =
    <A extends unknown[], R>(operation: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      gate.pass(() => operation(...args))
  return {
    ...host,
    writeRecord: through((place, name, text) => host.writeRecord(place, name, text)),
    readRecord: through((place, name) => host.readRecord(place, name)),
    sync: through((directory) => host.sync(directory)),
    list: through((places) => host.list(places)),
    stat: through((jobs) => host.stat(jobs)),
    compare: through((jobs) => host.compare(jobs)),
    clone: through((jobs, options) => host.clone(jobs, options)),
    ...(cloneDirectory && { cloneDirectory: through(cloneDirectory) }),
    hardlink: through((jobs) => host.hardlink(jobs)),
    copy: through((jobs, options) => host.copy(jobs, options)),
    symlink: through((jobs) => host.symlink(jobs)),
    mkdir: through((jobs, exact) => host.mkdir(jobs, exact)),
    chmod: through((jobs) => host.chmod(jobs)),
    copyTimes: through((jobs) => host.copyTimes(jobs)),
    rename: through((jobs, replace) => host.rename(jobs, replace)),
    unlink: through((jobs) => host.unlink(jobs)),
    rmdir: through((jobs) => host.rmdir(jobs)),
  }
}

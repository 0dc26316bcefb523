import { Gate } from './gate'
import type { Host } from './host'

/** A host that keeps no more than `most` batches in flight, however many callers it has. */
export function throttled(host: Host, most: number): Host {
  const gate = new Gate(most)
  const { inheritance, cloneDirectory, scanTrees, matchTrees, placeTrees } = host
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
    identify: through((jobs) => host.identify(jobs)),
    ...(inheritance && { inheritance: through(inheritance) }),
    compare: through((jobs) => host.compare(jobs)),
    compareContent: through((jobs) => host.compareContent(jobs)),
    clone: through((jobs, options) => host.clone(jobs, options)),
    ...(cloneDirectory && { cloneDirectory: through(cloneDirectory) }),
    ...(scanTrees && { scanTrees: through(scanTrees) }),
    ...(matchTrees && { matchTrees: through(matchTrees) }),
    ...(placeTrees && { placeTrees: through(placeTrees) }),
    hardlink: through((jobs) => host.hardlink(jobs)),
    copy: through((jobs, options) => host.copy(jobs, options)),
    symlink: through((jobs) => host.symlink(jobs)),
    write: through((jobs, options) => host.write(jobs, options)),
    mkdir: through((jobs, exact) => host.mkdir(jobs, exact)),
    chmod: through((jobs) => host.chmod(jobs)),
    copyTimes: through((jobs) => host.copyTimes(jobs)),
    rename: through((jobs, replace) => host.rename(jobs, replace)),
    exchange: through((jobs) => host.exchange(jobs)),
    unlink: through((jobs) => host.unlink(jobs)),
    rmdir: through((jobs) => host.rmdir(jobs)),
  }
}

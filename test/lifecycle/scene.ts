import fs from 'node:fs'
import path from 'node:path'

import type { Host } from '../../lib/host/host'
import { syncOn } from '../../lib/merge'
import { removeOn } from '../../lib/remove'
import type {
  MergeOptions,
  MergeResult,
  RemoveOptions,
  RemoveResult,
  Source,
  VerifyOptions,
  VerifyResult,
} from '../../lib/types'
import { verifyOn } from '../../lib/verify'
import { stagingBelow } from '../support/kill-check'
import { snapshot } from '../support/snapshot'
import { writeTree, type TreeSpec } from '../support/tree'

const manifestName = '.reflink-merge-manifest'

/** A dest that packages are synced into, and the directory beside it that holds their versions. */
export class Scene {
  readonly dest: string
  private versions = 0

  constructor(
    readonly base: string,
    private readonly host: Host,
  ) {
    this.dest = path.join(base, 'dest')
  }

  /** The same, on another host. */
  through(host: Host): Scene {
    return new Scene(this.base, host)
  }

  /** Writes one version of a package, in a directory of its own. */
  version(name: string, spec: TreeSpec): Source {
    const dir = path.join(this.base, 'store', `${name}-${String(this.versions++)}`)
    return { name, dir: writeTree(dir, spec) }
  }

  sync(sources: readonly Source[], options?: MergeOptions): Promise<MergeResult> {
    return syncOn(this.host, sources, this.dest, options)
  }

  /** Syncs one package alone. */
  install(spec: TreeSpec, options?: MergeOptions): Promise<MergeResult> {
    return this.sync([this.version('pkg', spec)], options)
  }

  remove(names: readonly string[], options?: RemoveOptions): Promise<RemoveResult> {
    return removeOn(this.host, this.dest, names, options)
  }

  verify(options?: VerifyOptions): Promise<VerifyResult> {
    return verifyOn(this.host, this.dest, options)
  }

  at(name: string): string {
    return path.join(this.dest, name)
  }

  read(name: string): string {
    return fs.readFileSync(this.at(name), 'utf8')
  }

  /** What stands in dest besides the manifest; a directory's path ends in '/'. */
  held(): string[] {
    return snapshot(this.dest, { contents: false })
      .filter((entry) => entry.path !== manifestName)
      .map(({ path: name, type }) => (type === 'directory' ? `${name}/` : name))
  }

  staging(): string[] {
    return stagingBelow(this.base).filter((each) => path.basename(each) !== manifestName)
  }
}

/** All that a failed call must leave as it was: contents, modes, inodes, times. */
export function stateOf(dir: string): unknown[] {
  return snapshot(dir).map((entry) => {
    const { ino, mtimeMs, nlink } = fs.lstatSync(path.join(dir, entry.path))
    // Staging directories come and go in these.
    const times = entry.type === 'directory' ? [] : [mtimeMs, nlink]
    return [entry, ino, ...times]
  })
}

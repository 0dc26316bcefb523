import { append } from '../append'
import { firstOf, listSome, MergeError } from '../errors'
import type { SpecialPolicy, SymlinkPolicy } from '../types'

/** What the caller asks for of entries that are neither files nor directories. */
export interface Policies {
  readonly symlinks: SymlinkPolicy
  readonly specials: SpecialPolicy
}

/** What is wrong with the sources: collected over all of them, so that one error tells everything. */
export class Problems {
  private readonly names: string[] = []
  private readonly files: string[] = []
  private readonly failures: Error[] = []

  private hasSpecial = false

  constructor(private readonly policies: Policies) {}

  /** A name that no file system, or not every one, can hold, or that leads out of dest. */
  badName(source: string, path: string, why: string): void {
    this.names.push(`${source}: ${JSON.stringify(path)} (${why})`)
  }

  /** An entry of a type that is not merged. */
  unsupported(source: string, path: string, why: string): void {
    this.files.push(`${source}: ${path} (${why})`)
  }

  /** A fifo, socket or device. */
  special(source: string, path: string): void {
    this.hasSpecial = true
    this.unsupported(source, path, 'a fifo, socket or device')
  }

  failed(error: Error): void {
    this.failures.push(error)
  }

  /** Throws if there are any: names first, since nothing is known about what they name. */
  throwIfAny(): void {
    const errors: Error[] = []
    if (this.names.length > 0) {
      const paths = this.names.sort()
      const message = `${count(paths, 'name')} cannot be merged:${listSome(paths)}`
      errors.push(new MergeError('ERR_MERGE_INVALID_PATH', message, { paths }))
    }
    if (this.files.length > 0) {
      const paths = this.files.sort()
      const message =
        `${count(paths, 'entry')} of the sources cannot be merged:${listSome(paths)}\n` +
        ways[this.policies.symlinks] +
        (this.hasSpecial ? ` ${skipping}` : '')
      errors.push(new MergeError('ERR_MERGE_UNSUPPORTED_FILE', message, { paths }))
    }
    append(
      errors,
      this.failures.sort((a, b) => (a.message < b.message ? -1 : 1)),
    )
    if (errors.length > 0) throw firstOf(errors)
  }
}

const skipping = "Fifos, sockets and devices are left out by specials: 'skip'."

/** What is merged, and what to do about others, by what was asked for. */
const ways: Readonly<Record<SymlinkPolicy, string>> = {
  contained:
    'Only regular files, directories and symbolic links that stay inside dest are; leave others out with `filter`, ' +
    "or have all links kept by symlinks: 'verbatim'.",
  reject:
    'Only regular files and directories are; leave others out with `filter`, or have links kept that stay inside dest ' +
    "by symlinks: 'contained'.",
  verbatim:
    'Only regular files, directories and symbolic links are; leave others out with `filter`.',
}

function count(items: readonly unknown[], noun: string): string {
  const plural = noun === 'entry' ? 'entries' : `${noun}s`
  return `${String(items.length)} ${items.length === 1 ? noun : plural}`
}

import { append } from '../append'
import { firstOf, listSome } from '../errors'
import { MergeError, type SourcePath } from '../merge-error'
import type { SpecialPolicy, SymlinkPolicy } from '../types'
import { shortened } from './depth'

/** What the caller asks for of entries that are neither files nor directories. */
export interface Policies {
  readonly symlinks: SymlinkPolicy
  readonly specials: SpecialPolicy
}

/** What is wrong with the sources: collected over all of them, so that one error reports everything. */
export class Problems {
  private readonly names: SourcePath[] = []
  private readonly files: SourcePath[] = []
  private readonly failures: Error[] = []

  private hasSpecial = false

  constructor(private readonly policies: Policies) {}

  /** A name that no file system, or not every one, can hold, or that leads out of dest. */
  badName(source: string, path: string, reason: string): void {
    this.names.push({ source, path, reason })
  }

  /** An entry of a type that is not merged. */
  unsupported(source: string, path: string, reason: string): void {
    this.files.push({ source, path, reason })
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
      const { paths, lines } = inOrder(this.names, JSON.stringify)
      const message = `${count(lines, 'name')} cannot be merged:${listSome(lines)}`
      errors.push(new MergeError('ERR_MERGE_INVALID_PATH', message, { paths }))
    }
    if (this.files.length > 0) {
      const { paths, lines } = inOrder(this.files, (path) => path)
      const message =
        `${count(lines, 'entry')} of the sources cannot be merged:${listSome(lines)}\n` +
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

const skipping = "`specials: 'skip'` leaves out fifos, sockets and devices."

/** What is merged, and what to do about others, by what was asked for. */
const ways: Readonly<Record<SymlinkPolicy, string>> = {
  contained:
    'Only regular files, directories and symbolic links that stay inside dest can be; leave others out with `filter`, ' +
    "or keep all links with `symlinks: 'verbatim'`.",
  reject:
    'Only regular files and directories can be; leave others out with `filter`, or keep links that stay inside dest ' +
    "with `symlinks: 'contained'`.",
  verbatim:
    'Only regular files, directories and symbolic links can be; leave others out with `filter`.',
}

/** Sorted by what people read of them; `shown`: how a path is shown, which may be a long one. */
function inOrder(
  paths: readonly SourcePath[],
  shown: (path: string) => string,
): { paths: SourcePath[]; lines: string[] } {
  const told = paths.map((each) => {
    const { source, path, reason } = each
    return { each, line: `${source}: ${shown(shortened(path))} (${reason})` }
  })
  told.sort((a, b) => (a.line < b.line ? -1 : 1))
  return { paths: told.map(({ each }) => each), lines: told.map(({ line }) => line) }
}

function count(items: readonly unknown[], noun: string): string {
  const plural = noun === 'entry' ? 'entries' : `${noun}s`
  return `${String(items.length)} ${items.length === 1 ? noun : plural}`
}

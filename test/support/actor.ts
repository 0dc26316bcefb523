import fs from 'node:fs'
import path from 'node:path'

import type { Random } from './random'

// As packages of npm have it.
const constantTime = new Date('1985-10-26T08:15:00Z')

const isStaging = (name: string): boolean => /(?:^|\/)\.reflink-merge-/.test(name)

/**
 * Another program that removes, recreates, renames, links, adds and edits entries of dest, without asking for a lock. It
 * touches nothing twice, and remembers what has to be there afterwards.
 */
export class Actor {
  /** Its files and symlinks by path, with their text or target. */
  readonly entries = new Map<string, string>()
  readonly directories = new Set<string>()
  /** Texts that it wrote into directories which a merge had moved aside, as a process with such a working directory does. */
  readonly aside: string[] = []
  /** What it did, for messages. */
  readonly log: string[] = []
  /** What was there before, and it has removed, renamed or replaced: paths. */
  readonly gone = new Set<string>()
  private count = 0

  /** `aside`: inodes of directories that dest had before the merge. */
  constructor(
    private readonly dest: string,
    private readonly random: Random,
    private readonly wasThere: ReadonlySet<bigint>,
  ) {}

  act(): void {
    for (let times = 1 + this.random.below(6); times > 0; times--) this.actOnce()
    if (this.random.below(2) === 0) this.fillMovedAside()
  }

  private actOnce(): void {
    const all = this.others()
    const at = all[this.random.below(all.length)]
    if (at === undefined) return
    const isDirectory = fs.lstatSync(at).isDirectory()
    const holdsOwn = isDirectory && this.holdsOwn(at)
    const to = path.join(this.dest, `moved-${String(this.count++)}`)
    switch (this.random.below(8)) {
      case 0:
        if (!holdsOwn) this.recreate(at, isDirectory)
        break
      case 1:
        if (isDirectory) this.write(path.join(at, `mine-${String(this.count)}`))
        else this.edit(at)
        break
      case 2:
        if (holdsOwn) break
        this.note('rename', at)
        fs.renameSync(at, to)
        this.own(to)
        break
      case 3:
        if (isDirectory) break
        // By rename, as editors and package managers do.
        this.note('replace', at)
        this.write(`${at}.tmp`)
        fs.renameSync(`${at}.tmp`, at)
        this.entries.set(at, this.entries.get(`${at}.tmp`) ?? '')
        this.entries.delete(`${at}.tmp`)
        break
      case 4:
        if (isDirectory) break
        this.log.push(`link ${at}`)
        fs.linkSync(at, to)
        this.own(to)
        break
      case 5:
        if (holdsOwn) break
        this.note('remove', at)
        fs.rmSync(at, { recursive: true })
        break
      case 6:
        if (!isDirectory) break
        this.makeDirectory(path.join(at, `mine-${String(this.count++)}`))
        break
      default:
        this.write(path.join(this.dest, `new-${String(this.count)}`))
    }
  }

  /** It does not remove its own. */
  private holdsOwn(at: string): boolean {
    const own = [...this.entries.keys(), ...this.directories]
    if (own.some((each) => each.startsWith(`${at}/`))) return true
    const names = fs.readdirSync(at, { recursive: true, encoding: 'utf8' })
    return names.some((name) => path.basename(name).startsWith('aside-'))
  }

  /** What is not its own. */
  private others(): string[] {
    return fs
      .readdirSync(this.dest, { recursive: true, encoding: 'utf8' })
      .filter((name) => !isStaging(name))
      .map((name) => path.join(this.dest, name))
      .filter((at) => !this.entries.has(at) && !this.directories.has(at))
      .filter((at) => !path.basename(at).startsWith('aside-'))
      .sort()
  }

  /** Puts another one of the same kind there, which is likely to get the same inode number. */
  private recreate(at: string, isDirectory: boolean): void {
    this.note('recreate', at)
    fs.rmSync(at, { recursive: true })
    if (!isDirectory) {
      this.write(at)
      return
    }
    this.makeDirectory(at)
    if (this.random.below(2) === 0) this.write(path.join(at, 'index.js'))
  }

  private makeDirectory(at: string): void {
    this.log.push(`mkdir ${at}`)
    fs.mkdirSync(at)
    this.directories.add(at)
  }

  /** A text as long as that of the merge's files, and times that tell nothing. */
  private write(at: string): void {
    const text = `m${String(this.count++).padStart(3, '0')}`
    this.log.push(`write ${text} to ${at}`)
    fs.writeFileSync(at, text)
    fs.utimesSync(at, constantTime, constantTime)
    this.entries.set(at, text)
  }

  private edit(at: string): void {
    const { mtime } = fs.lstatSync(at)
    if (!fs.lstatSync(at).isFile()) return
    const text = `e${String(this.count++).padStart(3, '0')}`
    this.note(`edit to ${text}`, at)
    fs.writeFileSync(at, text)
    fs.utimesSync(at, mtime, mtime)
    // Recovery may take one of several names, since what is in the file is not lost then.
    if (fs.lstatSync(at).nlink === 1) this.entries.set(at, text)
    for (const own of this.entries.keys()) this.entries.set(own, textOf(own) ?? '')
  }

  /** What it has moved or linked is its own. */
  private own(to: string): void {
    const all = [to]
    for (let at = all.pop(); at !== undefined; at = all.pop()) {
      const stats = fs.lstatSync(at)
      if (stats.isDirectory()) {
        this.directories.add(at)
        for (const name of fs.readdirSync(at)) if (!isStaging(name)) all.push(path.join(at, name))
      } else this.entries.set(at, textOf(at) ?? '')
    }
  }

  private note(what: string, at: string): void {
    this.log.push(`${what} ${at}`)
    this.gone.add(at)
  }

  private fillMovedAside(): void {
    for (const name of fs.readdirSync(this.dest, { recursive: true, encoding: 'utf8' })) {
      const at = path.join(this.dest, name)
      const stats = fs.lstatSync(at, { bigint: true })
      if (!isStaging(name) || !stats.isDirectory() || !this.wasThere.has(stats.ino)) continue
      const text = `aside-${String(this.count++)}`
      this.log.push(`write ${text} into ${at}`)
      fs.writeFileSync(path.join(at, text), text)
      this.aside.push(text)
    }
  }
}

/** A file's text, or where a symlink leads to. */
export function textOf(at: string): string | undefined {
  const stats = fs.lstatSync(at, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  if (stats.isSymbolicLink()) return fs.readlinkSync(at)
  return stats.isFile() ? fs.readFileSync(at, 'utf8') : undefined
}

import { constants, promises as fs, type Stats } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Host } from '../host/host'
import { joinPath } from '../host/host'
import { mergeGiven, planGiven } from '../merge'
import { readSources } from '../options'
import type { GivenSource } from '../scan/given'
import type { CpOptions, MergeOptions } from '../types'
import { checkArguments, copyOne, mustBeNew, throwAsNode } from './by-node'
import { asNodeError } from './refusals'
import { selectedSources } from './selected'

/** cp() on a host of choice. */
export async function cpOn(
  system: Host,
  source: string | URL,
  destination: string | URL,
  options?: CpOptions,
): Promise<void> {
  await checkArguments(source, destination, options)
  const { recursive = false, ...given } = options ?? {}
  const [src, dest] = [pathOf(source), pathOf(destination)]
  if (given.filter !== undefined && !(await given.filter(src, dest))) return
  const look = given.dereference === true ? fs.stat : fs.lstat
  const [from, to] = await Promise.all([look(src), look(dest).catch(ifMissing)])
  // Whatever else is refused is refused by Node: see throwAsNode.
  if (!from.isDirectory() || !recursive || to?.isDirectory() === false) {
    await copyOne(src, dest, { ...given, recursive })
    return
  }
  const tree = new Copy(system, src, dest, { ...given, recursive })
  await tree.run(to)
}

/** A directory that is copied. */
class Copy {
  constructor(
    private readonly system: Host,
    private readonly src: string,
    private readonly dest: string,
    private readonly options: CpOptions,
  ) {}

  /** `to`: what is at dest, a directory. */
  async run(to: Stats | undefined): Promise<void> {
    const { system, src, dest, options } = this
    const { filter, dereference = false, force = true } = options
    if (to !== undefined) await throwAsNode(src, dest, options)
    const isWhole = filter === undefined && !dereference
    const sources = isWhole ? [{ name: src, dir: src }] : await selectedSources(src, dest, options)
    const given = readSources(sources).map((source) => this.withAbsoluteLinks(source))
    try {
      if (to !== undefined) await this.throwIfRefused(given)
      const existing = force ? 'replace' : 'keep'
      await mergeGiven(system, given, dest, { ...this.mergeOptions(), existing })
    } catch (error) {
      throw await asNodeError(error, src, dest)
    }
  }

  private mergeOptions(): MergeOptions {
    const { mode = 0, preserveTimestamps = false } = this.options
    const mustClone = (mode & constants.COPYFILE_FICLONE_FORCE) !== 0
    return {
      linkModes: mustClone ? ['clone'] : ['clone', 'copy'],
      symlinks: 'verbatim',
      preserveTimestamps,
      // It would bring the links as they are.
      directoryClone: false,
    }
  }

  /** As fs.promises.cp makes them: a relative one leads to what it led to in the source. */
  private withAbsoluteLinks(source: GivenSource): GivenSource {
    const { src, options } = this
    if (options.verbatimSymlinks === true) return source
    const relink = (path: string, target: string): string => {
      if (isAbsolute(target)) return target
      return resolve(dirname(join(src, joinPath(source.to ?? '', path))), target)
    }
    return { ...source, relink }
  }

  /** What differs in dest is looked at, entry by entry, before anything is changed. */
  private async throwIfRefused(sources: readonly GivenSource[]): Promise<void> {
    const plan = await planGiven(this.system, sources, this.dest, this.mergeOptions())
    for (const { path, kind } of plan.conflicts)
      if (kind === 'existing' || kind === 'type') await this.throwIfPairRefused(path)
    if (!mustBeNew(this.options)) return
    for (const { path, type, action } of plan.entries())
      if (type === 'file' && action === 'unchanged') await this.throwIfPairRefused(path)
  }

  private async throwIfPairRefused(path: string): Promise<void> {
    const [from, to] = [join(this.src, path), join(this.dest, path)]
    const { dereference } = this.options
    if (dereference === true ? await leadsNowhere(to) : await areLinks(from, to)) return
    await throwAsNode(from, to, this.options)
  }
}

function pathOf(path: string | URL): string {
  return typeof path === 'string' ? path : fileURLToPath(path)
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
  throw error
}

function areLinks(...files: string[]): Promise<boolean> {
  const looks = files.map((file) => fs.lstat(file))
  return Promise.all(looks).then((all) => all.every((stats) => stats.isSymbolicLink()))
}

/** Node would write to where the link leads. */
async function leadsNowhere(file: string): Promise<boolean> {
  return (await fs.stat(file).catch(ifMissing)) === undefined
}

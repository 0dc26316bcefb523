import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { newerNode } from './peers.mjs'
import { floor } from './programs.mjs'

/** @typedef {import('./field.mjs').Field} Field */
/** @typedef {import('./options.mjs').Kind} Kind */
/** @typedef {import('./options.mjs').Mode} Mode */
/** @typedef {import('./run-subject.mjs').Job} Job */

/**
 * What is run, and whose time counts: that of the whole process for a command, and that of the work in it for a library, as a
 * program that uses one has loaded it once.
 * @typedef {{ counts: 'process', command: import('./timed.mjs').Command } | { counts: 'work', node: string, job: Job }} Run
 */

/**
 * @typedef {object} Subject
 * @property {string} id words of it select it, too
 * @property {string} title
 * @property {string} group the table it stands in
 * @property {string} against the subject that its times are divided by; its own id: it is the measure of its group
 * @property {readonly Kind[]} on the file systems where it can work
 * @property {boolean} [peer] needs the peers installed
 * @property {boolean} [whole] puts all packages into dest, so that what it did can be checked
 * @property {(field: Field) => number} [pieces] how many merges one run is; the time of one is reported
 * @property {(field: Field) => Run} [first] run before each measurement, not measured
 * @property {(field: Field) => Run} run
 */

/** @type {readonly Kind[]} */
const cloning = ['btrfs', 'xfs']
/** @type {readonly Kind[]} */
const every = ['btrfs', 'xfs', 'ext4']

/** @type {readonly Subject[]} */
export const subjects = [...of('clone', cloning), ...of('hardlink', every), ...of('copy', every)]

/**
 * The subjects of a mode.
 * @param {Mode} mode
 * @param {readonly Kind[]} on
 * @returns {Subject[]}
 */
function of(mode, on) {
  const common = { group: mode, against: `merge-${mode}`, on, whole: true }
  const one = { group: 'one package', against: `one-${mode}-empty`, on }
  const apart = library('reflink-merge-one', { mode, as: 'apart', list: 'extra' })
  /** @type {Subject[]} */
  const merges = [
    { ...common, id: `floor-${mode}`, title: 'floor (C++)', run: floorRun(mode) },
    {
      ...common,
      id: `merge-${mode}`,
      title: 'reflink-merge',
      run: library('reflink-merge', { mode }),
    },
    {
      ...common,
      id: `merge-${mode}-rerun`,
      title: 'reflink-merge, rerun',
      first: library('reflink-merge', { mode }),
      run: library('reflink-merge', { mode }),
    },
    {
      ...one,
      id: `one-${mode}-empty`,
      title: `by ${mode}, into an empty dest`,
      pieces: ({ extra }) => extra.packages,
      run: apart,
    },
    {
      ...one,
      id: `one-${mode}-populated`,
      title: `by ${mode}, into a populated dest`,
      pieces: ({ extra }) => extra.packages,
      first: library('reflink-merge', { mode, list: 'base' }),
      run: library('reflink-merge-one', { mode, as: 'together', list: 'extra' }),
    },
    ...commands(mode).map(([id, ...args]) => ({
      ...common,
      id: `${id}-${mode}`,
      title: `cp ${args.join(' ')}`,
      run: cp(args),
    })),
    {
      ...{ ...common, peer: true },
      id: `pnpm-${mode}`,
      title: '@pnpm/fs.indexed-pkg-importer',
      run: library('pnpm', { mode, node: newerNode }),
    },
    {
      ...common,
      id: `merge-${mode}-store`,
      title: 'reflink-merge, from a content-addressed store',
      run: library('reflink-merge', { mode, as: 'store', list: 'store' }),
    },
    {
      ...{ ...common, peer: true },
      id: `pnpm-${mode}-store`,
      title: '@pnpm/fs.indexed-pkg-importer, from the same store',
      run: library('pnpm', { mode, as: 'store', list: 'store', node: newerNode }),
    },
  ]
  if (mode === 'hardlink') return merges
  return [
    ...merges,
    { ...common, id: `fs.cp-${mode}`, title: 'fs.cp', run: library('fs-cp', { mode }) },
    {
      ...common,
      id: `copyfile-${mode}`,
      title: 'fs.copyFile, 16 at a time',
      run: library('copy-file', { mode }),
    },
    ...(mode === 'clone' ? cloners(common) : copiers(common)),
  ]
}

/** @typedef {Pick<Subject, 'group' | 'against' | 'on' | 'whole'>} Common */

/**
 * @param {Common} common
 * @returns {Subject[]}
 */
function cloners(common) {
  const mode = /** @type {const} */ ('clone')
  const fsSafe = { mode, as: 'always', node: newerNode }
  return [
    {
      ...common,
      id: 'merge-clone-maps',
      title: 'reflink-merge, from file maps',
      run: library('reflink-merge', { mode, as: 'maps' }),
    },
    {
      ...common,
      id: 'merge-clone-tree',
      title: 'reflink-merge, one source',
      run: library('reflink-merge', { mode, as: 'tree' }),
    },
    {
      ...{ ...common, peer: true },
      id: 'reflink-clone',
      title: '@reflink/reflink, 16 at a time',
      run: library('reflink', { mode }),
    },
    {
      ...{ ...common, peer: true, on: ['xfs'] },
      id: 'fs-safe-clone',
      title: '@openclaw/fs-safe copyTree',
      run: library('fs-safe', fsSafe),
    },
    {
      // On Btrfs it clones nothing but whole subvolumes.
      ...{ ...common, peer: true, on: ['btrfs'] },
      id: 'fs-safe-snapshot',
      title: '@openclaw/fs-safe, one snapshot',
      run: (field) => library('fs-safe', fsSafe)({ ...field, tree: field.subvolume ?? field.tree }),
    },
  ]
}

/**
 * @param {Common} common
 * @returns {Subject[]}
 */
function copiers(common) {
  const mode = 'copy'
  return [
    {
      ...{ ...common, peer: true },
      id: 'fs-extra-copy',
      title: 'fs-extra copy, 16 at a time',
      run: library('fs-extra', { mode }),
    },
    {
      ...{ ...common, peer: true },
      id: 'fs-safe-copy',
      title: '@openclaw/fs-safe copyTree',
      // Where cloning is not possible its default copies by its addon; where it is, copying must be asked for.
      run: (field) =>
        library('fs-safe', {
          ...{ mode, node: newerNode },
          as: field.kind === 'ext4' ? 'auto' : 'never',
        })(field),
    },
  ]
}

/**
 * @param {Mode} mode
 * @returns {(field: Field) => Run}
 */
function floorRun(mode) {
  return ({ all, dest }) => ({
    counts: 'process',
    command: {
      command: floor,
      args: [mode, String(availableParallelism()), dest],
      stdin: all.manifest,
    },
  })
}

/**
 * @param {Mode} mode
 * @returns {[id: string, ...args: string[]][]}
 */
function commands(mode) {
  const how = { clone: ['--reflink=always'], hardlink: ['-l'], copy: ['--reflink=never'] }[mode]
  return [
    ['cp-r', '-r', ...how],
    ['cp-a', '-a', ...how],
  ]
}

/**
 * @param {readonly string[]} args
 * @returns {(field: Field) => Run}
 */
function cp(args) {
  return ({ tree, dest }) => ({
    counts: 'process',
    command: { command: 'cp', args: [...args, tree, dest] },
  })
}

/**
 * @param {string} program
 * @param {{ mode: Mode, as?: string, list?: 'all' | 'base' | 'extra' | 'store', node?: string }} how
 * @returns {(field: Field) => Run}
 */
function library(program, { mode, as, list = 'all', node = process.execPath }) {
  return (field) => ({
    counts: 'work',
    node,
    job: {
      ...{ program, mode, sources: field[list].json, tree: field.tree, dest: field.dest },
      ...(as === undefined ? {} : { as }),
    },
  })
}

/**
 * The subjects that were asked for and what they are compared to, in the order of the list.
 * @param {readonly string[]} words names, or words of names; none: all
 * @throws {Error} if a word selects nothing
 */
export function selectSubjects(words) {
  if (words.length === 0) return subjects
  const asked = words.flatMap((word) => {
    const exact = subjects.filter(({ id }) => id === word)
    const found = exact.length > 0 ? exact : subjects.filter((subject) => mentions(subject, word))
    if (found.length === 0) throw new Error(`--subjects: there is no ${word}; --list lists them`)
    return found
  })
  const wanted = new Set(asked.flatMap(({ id, against }) => [id, against]))
  return subjects.filter(({ id }) => wanted.has(id))
}

/**
 * @param {Subject} subject
 * @param {string} word
 */
function mentions({ id }, word) {
  return `-${id}-`.includes(`-${word}-`)
}

/**
 * The command that does a run.
 * @param {Run} run
 * @returns {import('./timed.mjs').Command}
 */
export function commandOf(run) {
  if (run.counts === 'process') return run.command
  const program = join(import.meta.dirname, 'run-subject.mjs')
  return { command: run.node, args: [program, JSON.stringify(run.job)] }
}

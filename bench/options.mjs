import { parseArgs } from 'node:util'

/** @typedef {'btrfs' | 'xfs' | 'ext4'} Kind */
/** @typedef {'clone' | 'hardlink' | 'copy'} Mode */

/**
 * @typedef {object} Options
 * @property {boolean} scale made trees of growing size, instead of the corpus
 * @property {boolean} life a dest with a manifest, instead of one merge
 * @property {Kind[]} kinds
 * @property {number} rounds
 * @property {string[]} subjects what was asked for by name; empty: all
 * @property {number} packages how many of the corpus; Infinity: all
 * @property {number[]} files sizes of the made trees, from small to big
 * @property {Mode} mode of the made trees
 * @property {string | undefined} save
 * @property {string | undefined} compare
 * @property {boolean} json
 */

const kinds = /** @type {const} */ (['btrfs', 'xfs', 'ext4'])
const modes = /** @type {const} */ (['clone', 'hardlink', 'copy'])

export const usage = `npm run bench -- [option]...        the corpus, by every subject
npm run bench -- scale [option]...  made trees of 10,000 to 1,000,000 files
npm run bench -- life [option]...   the corpus, with a manifest: sync, sync again, upgrade, verify

  --fs KIND,...       btrfs, xfs, ext4; a volume is made for each (btrfs,xfs; scale: btrfs)
  --rounds N          how often each subject is measured (7; scale: 3)
  --subjects NAME,... by whole name (merge-clone) or a word of it (merge, clone, pnpm); what they
                      are compared to is measured, too
  --packages N        so many packages of the corpus, evenly picked
  --files N,...       scale: how many files (10000,100000,1000000)
  --mode MODE         scale: clone, hardlink or copy (clone)
  --save FILE         write the result as JSON
  --compare FILE      print the change since a saved result
  --json              print the result as JSON
  --list              print the subjects
`

/**
 * Reads the command line.
 * @param {readonly string[]} args
 * @returns {Options | 'help' | 'list'}
 * @throws {Error} if it cannot be understood
 */
export function readOptions(args) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      fs: { type: 'string' },
      rounds: { type: 'string' },
      subjects: { type: 'string', default: '' },
      packages: { type: 'string' },
      files: { type: 'string', default: '10000,100000,1000000' },
      mode: { type: 'string', default: 'clone' },
      save: { type: 'string' },
      compare: { type: 'string' },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  if (values.list) return 'list'
  const scale = positionals[0] === 'scale'
  const life = positionals[0] === 'life'
  if (positionals.length > (scale || life ? 1 : 0))
    throw new Error(`What is ${positionals.join(' ')}?`)
  const [mode] = listOf('--mode', values.mode, modes)
  if (mode === undefined) throw new Error('--mode: none given')
  return {
    scale,
    life,
    kinds: listOf('--fs', values.fs ?? (scale ? 'btrfs' : 'btrfs,xfs'), kinds),
    rounds: count('--rounds', values.rounds ?? (scale ? '3' : '7')),
    subjects: words(values.subjects),
    packages: values.packages === undefined ? Infinity : count('--packages', values.packages),
    files: words(values.files)
      .map((word) => count('--files', word))
      .sort((a, b) => a - b),
    mode,
    save: values.save,
    compare: values.compare,
    json: values.json,
  }
}

/**
 * @template {string} T
 * @param {string} option
 * @param {string} text
 * @param {readonly T[]} known
 * @returns {T[]}
 */
function listOf(option, text, known) {
  return words(text).map((word) => {
    const found = known.find((one) => one === word)
    if (found === undefined) throw new Error(`${option}: ${word} is none of ${known.join(', ')}`)
    return found
  })
}

/** @param {string} text */
function words(text) {
  return text.split(',').filter((word) => word !== '')
}

/**
 * @param {string} option
 * @param {string} text
 */
function count(option, text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option}: ${text} is no number above 0`)
  return Number(text)
}

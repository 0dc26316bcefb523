// npm run bench: reflink-merge beside a plain C++ program, cp, Node's own calls and other packages. README.md says what is
// measured and how.

import { ensureCorpus } from './corpus/corpus.mjs'
import { readOptions, usage } from './options.mjs'
import { ensurePeers } from './peers.mjs'
import { ensurePrograms } from './programs.mjs'
import { selectSubjects, subjects } from './subjects.mjs'
import { ensureBuilt, ensureDependencies, ensureSystemTools } from '../scripts/setup.mjs'

// stdout is for the result alone.
console.log = console.error

const options = optionsOrExit()
const chosen = selectOrExit(options.subjects)
const withPeers = !options.scale && !options.life && chosen.some(({ peer }) => peer)

ensureDependencies()
ensureBuilt()
ensurePrograms()
ensureSystemTools({ btrfs: options.kinds.includes('btrfs'), xfs: options.kinds.includes('xfs') })
if (withPeers) ensurePeers()

// Imported only now: these need what the lines above installed and built.
const { circumstances } = await import('./machine.mjs')
const { saveResult } = await import('./result.mjs')
const before = circumstances(withPeers)
const { text, result, failed } = await (options.scale ? scale() : options.life ? life() : corpus())
if (options.save !== undefined) saveResult(options.save, result)
if (failed) process.exitCode = 1
process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : text)

async function corpus() {
  const { benchCorpus } = await import('./bench-corpus.mjs')
  const { comparison } = await import('./comparison.mjs')
  const { report } = await import('./report.mjs')
  const { readResult } = await import('./result.mjs')
  // Read first: half an hour later is too late to hear that it is missing.
  const saved = options.compare === undefined ? undefined : readResult(options.compare)
  const result = { ...before, ...(await benchCorpus(ensureCorpus(), chosen, options)) }
  const text = report(result)
  const failed = result.volumes.some(({ rows }) => rows.some((row) => row.failed !== null))
  const changes = saved === undefined ? '' : `\n${comparison(result, saved)}`
  return { result, text: text + changes, failed }
}

async function life() {
  const { benchLife, reportLife } = await import('./bench-life.mjs')
  const result = { ...before, ...(await benchLife(options)) }
  return { result, text: reportLife(result), failed: false }
}

async function scale() {
  const { benchScale, reportScale } = await import('./bench-scale.mjs')
  const result = { ...before, ...(await benchScale(options)) }
  return { result, text: reportScale(result), failed: false }
}

function optionsOrExit() {
  try {
    const read = readOptions(process.argv.slice(2))
    if (typeof read === 'object') return read
    const list = subjects.map(
      ({ id, title, on }) => `${id.padEnd(26)}${title} (${on.join(', ')})\n`,
    )
    process.stdout.write(read === 'help' ? usage : list.join(''))
    process.exit(0)
  } catch (error) {
    return refuse(error)
  }
}

/** @param {readonly string[]} words */
function selectOrExit(words) {
  try {
    return selectSubjects(words)
  } catch (error) {
    return refuse(error)
  }
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function refuse(error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exit(2)
}

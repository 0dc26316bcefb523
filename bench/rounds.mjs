import { checkDest } from './check.mjs'
import { clear, measure } from './measure.mjs'
import { duration } from './table.mjs'
import { ratios, summarize } from './statistics.mjs'

/** @typedef {import('./subjects.mjs').Subject} Subject */
/** @typedef {import('./field.mjs').Field} Field */
/** @typedef {import('./measure.mjs').Measured} Measured */
/** @typedef {import('./statistics.mjs').Summary} Summary */

/**
 * @typedef {object} Row a subject's result on one volume
 * @property {string} id
 * @property {string} title
 * @property {string} group
 * @property {string} against
 * @property {'work' | 'process'} counts what was timed
 * @property {import('./check.mjs').Blocks | null} blocks
 * @property {string | null} failed what it complained of
 * @property {Measured[]} rounds
 * @property {Summary} ms
 * @property {Summary} ratio of each round's time to that of `against` in the same round
 */

/**
 * Measures all subjects in each round, from another one on each time.
 * @param {Field} field
 * @param {readonly Subject[]} subjects
 * @param {number} rounds
 * @param {(text: string) => void} say
 * @returns {Promise<Row[]>}
 */
export async function runRounds(field, subjects, rounds, say) {
  const entries = subjects.map((subject) => newEntry(subject, field))
  for (let round = 0; round < rounds; round++) {
    const start = Math.floor((round * entries.length) / rounds)
    for (const entry of [...entries.slice(start), ...entries.slice(0, start)]) {
      if (entry.failed !== null) continue
      const outcome = await runOnce(field, entry)
      say(`${field.kind}, round ${round + 1} of ${rounds}: ${entry.subject.id} ${outcome}`)
    }
  }
  await clear(field.dest)
  return entries.map((entry) => rowOf(entry, entries))
}

/**
 * @param {Subject} subject
 * @param {Field} field
 */
function newEntry(subject, field) {
  return {
    subject,
    run: subject.run(field),
    blocks: /** @type {Row['blocks']} */ (null),
    failed: /** @type {string | null} */ (null),
    rounds: /** @type {Measured[]} */ ([]),
  }
}

/** @typedef {ReturnType<typeof newEntry>} Entry */

/**
 * @param {Field} field
 * @param {Entry} entry
 * @returns {Promise<string>} how it went
 */
async function runOnce(field, entry) {
  const { subject, run } = entry
  try {
    const measured = await measure(field.dest, run, subject.first?.(field))
    if (subject.whole && entry.rounds.length === 0) entry.blocks = await checkDest(field)
    const told = perPiece(measured, subject.pieces?.(field) ?? 1)
    entry.rounds.push(told)
    return duration(told.ms)
  } catch (error) {
    // One peer that does not work here is no reason to give up the others.
    entry.failed = error instanceof Error ? error.message : String(error)
    entry.rounds = []
    return entry.failed
  }
}

/**
 * @param {Measured} measured
 * @param {number} pieces
 * @returns {Measured}
 */
function perPiece(measured, pieces) {
  const { ms, user, system } = measured
  return { ...measured, ms: ms / pieces, user: user / pieces, system: system / pieces }
}

/**
 * @param {Entry} entry
 * @param {readonly Entry[]} entries
 * @returns {Row}
 */
function rowOf({ subject, run, blocks, failed, rounds }, entries) {
  const { id, title, group, against } = subject
  const measure = entries.find((entry) => entry.subject.id === against)
  const times = rounds.map(({ ms }) => ms)
  const others = measure?.rounds.map(({ ms }) => ms) ?? []
  return {
    ...{ id, title, group, against, counts: run.counts, blocks, failed, rounds },
    ms: summarize(times),
    ratio: summarize(ratios(times, others)),
  }
}

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { recover } from '../../lib/index'
import { contend, eventsIn, type Contender, type Event } from '../support/contenders'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { stagingBelow } from '../support/kill-check'
import { isLong, rounds, tellFigures } from '../support/long'
import { describeWith } from '../support/needs'
import { randomFrom, type Random } from '../support/random'
import { snapshot } from '../support/snapshot'
import { writeTree } from '../support/tree'
import { Model, serialOrder, type Played } from './contest-model'

const PROCESSES = rounds(6, 16)
const MERGES = rounds(12, 200)
// One merge in so many is killed.
const KILLED = 8
const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? (isLong ? Date.now() % 2 ** 32 : 5))

const paths = Array.from({ length: 24 }, (_, index) => {
  const depth = index % 4
  return [...['ns', `d${String(index % 3)}`, 'deep'].slice(0, depth), `f${String(index)}`].join('/')
})

/** Files and subtrees that other merges have too, with a few texts for each, and one that no other has. */
function contentsOf(random: Random, id: number): { contents: Map<string, string>; mark: string } {
  const mark = `marks/${String(id)}`
  const contents = new Map([[mark, String(id)]])
  for (const at of paths)
    if (random.below(4) === 0) contents.set(at, `${at} ${String(random.below(3))}`.repeat(40))
  const subtree = `packages/p${String(random.below(30))}`
  for (let file = 0; file < random.below(4); file++)
    contents.set(`${subtree}/lib/${String(file)}`, `${subtree} ${String(random.below(2))}`)
  return { contents, mark }
}

function prepare(base: string, random: Random, id: number): Played {
  const { contents, mark } = contentsOf(random, id)
  const two = random.below(2) === 0
  const halves = two
    ? [new Map<string, string>(), new Map<string, string>()]
    : [new Map<string, string>()]
  for (const [at, text] of contents) random.pick([halves[0], halves.at(-1)])?.set(at, text)
  const sources = halves.map((half, index) => {
    const name = `${String(id)}-${String(index)}`
    return { name, dir: writeTree(path.join(base, 'store', name), Object.fromEntries(half)) }
  })
  const kill = random.below(KILLED) === 0
  const contender: Contender = {
    ...{ id, sources, inSession: random.below(3) === 0 },
    options: {
      existing: random.pick(['replace', 'replace', 'keep', 'error']),
      linkModes: random.pick(['clone', 'copy', 'hardlink']),
    },
    ...(kill && random.below(3) > 0 && { killAt: 1 + random.below(25) }),
    ...(kill && { killAfter: random.below(60) }),
  }
  return { contender, contents, mark, events: [] }
}

async function contest(volume: DescribedVolume, isThere: boolean): Promise<void> {
  const base = volume.fresh()
  const dest = path.join(base, 'dest')
  if (isThere) fs.mkdirSync(dest)
  const log = path.join(base, 'log')
  const random = randomFrom(seed)
  const prepared = Array.from({ length: PROCESSES * MERGES }, (_, id) => prepare(base, random, id))
  const lanes = Array.from({ length: PROCESSES }, (_, lane) =>
    prepared.filter((_each, id) => id % PROCESSES === lane).map(({ contender }) => contender),
  )
  const kills = await Promise.all(lanes.map((merges) => contend({ dest, log, merges })))
  const { left, running } = await recover(dest)
  assert.deepEqual([left, running], [[], 0])
  assert.deepEqual(stagingBelow(base), [])

  const events = new Map<number, Event[]>()
  for (const event of eventsIn(log)) events.set(event.id, [...(events.get(event.id) ?? []), event])
  const played = prepared.map((each) => ({ ...each, events: events.get(each.contender.id) ?? [] }))
  for (const { contender, events: told } of played)
    assert.ok(told.length > 0, `merge ${String(contender.id)} never began`)
  const killed = kills.reduce((sum, each) => sum + each, 0)
  tellFigures({
    ...{ seed, processes: PROCESSES, merges: played.length, killed },
    ...judge(dest, played),
  })
  assert.ok(killed > 0, 'none was killed')
}

/** The tree, and what every merge told, are those of the merges one after the other. */
function judge(dest: string, played: readonly Played[]): Record<string, number> {
  const marks = new Set(fs.readdirSync(path.join(dest, 'marks')).map((name) => `marks/${name}`))
  const model = new Model()
  let refused = 0
  let lost = 0
  for (const each of played) {
    const { events, mark, contender } = each
    const end = events.at(-1)
    const name = `merge ${String(contender.id)}`
    if (end?.what === 'done')
      assert.ok(marks.has(mark), `${name} told that it was done, and is not there`)
    else if (end?.what === 'failed') {
      assert.equal(end.code, 'ERR_MERGE_CONFLICT', `${name}: ${end.message}`)
      assert.ok(!marks.has(mark), `${name} told that it failed, and is there`)
      refused++
    } else if (!marks.has(mark)) lost++
  }
  const order = serialOrder(played, marks)
  for (const { contender, contents, events } of order) {
    const expected = model.play(contents, contender.options.existing ?? 'error')
    const end = events.at(-1)
    if (end?.what === 'done')
      assert.deepEqual(end.counts, expected, `merge ${String(contender.id)}`)
    else assert.notEqual(expected, 'conflict', `merge ${String(contender.id)}`)
  }
  const found = snapshot(dest).flatMap(({ path: at, type }) => (type === 'file' ? [at] : []))
  const texts = found.map((at): [string, string] => [
    at,
    fs.readFileSync(path.join(dest, at), 'utf8'),
  ])
  assert.deepEqual(new Map(texts), new Map([...model.tree].sort(([a], [b]) => (a < b ? -1 : 1))))
  return { 'took effect': order.length, refused, 'undone or not begun': lost }
}

describeWith('locks', 'many processes that merge into one dest, some of them killed', function () {
  this.timeout(3_600_000)

  describeOn(['btrfs', 'xfs'], (volume) => {
    it('leave what their merges give one after the other, and nothing else', () =>
      contest(volume, volume.kind === 'btrfs'))
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { MergeOptions, Source } from '../../lib/index'
import { mergeOn, recoverOn } from '../../lib/merge'
import { Actor, textOf } from '../support/actor'
import { describeOn } from '../support/describe-on'
import { failpoints } from '../support/failpoints'
import { killed } from '../support/killed'
import { rounds, tellFigures } from '../support/long'
import { describeWith } from '../support/needs'
import { randomFrom, type Random } from '../support/random'
import { failWith } from '../support/scripts'
import { stored } from '../support/session'
import type { TreeSpec } from '../support/tree'
import { writeTree } from '../support/tree'

const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)
const roundsWanted = rounds(40, 1000)
// A process takes some ten times as long as a merge.
const oneOf = 20
// From where all is staged until little is left to remove.
const firstStep = 36
const steps = 64

/** What every round's dest holds before. Each text is as long as those of the packages and of the actor. */
const before: TreeSpec = {
  old: 'olds',
  'shared/old': 'olds',
  'shared/own': 'mine',
  'setgid/': { dir: true, mode: 0o2775 },
  'setgid/old': 'olds',
  'from-link': { symlink: 'old' },
  'to-link': 'olds',
  'from-directory/': { dir: true },
  'to-directory': 'olds',
}

// With a manifest a merge of this one came before, and it is not among the sources any more.
const first: TreeSpec = {
  'pruned/index.js': 'past',
  'pruned/lib/deep.js': 'past',
  'shared/past': 'past',
}
const manifestName = '.reflink-merge-manifest'

const packages: Record<string, TreeSpec> = {
  first,
  one: {
    'a/index.js': 'ours',
    'b/index.js': 'ours',
    'c/d/index.js': 'ours',
    'c/e/index.js': 'ours',
    f: 'ours',
    old: 'ours',
    'shared/g': 'ours',
    'shared/old': 'ours',
    'setgid/new': 'ours',
    'setgid/old': 'ours',
    'setgid/dir/index.js': 'ours',
    'from-link': 'ours',
    'to-link': { symlink: 'old' },
    'from-directory': 'ours',
    'to-directory/index.js': 'ours',
  },
}

/** How a round's merge ends: in a process that is killed, as if it were, or with an error after which it undoes itself. */
type Ending = 'killed' | 'dies' | 'fails'

class ActorLoop {
  readonly figures = { rounds: 0, killed: 0, dies: 0, fails: 0, left: 0, aside: 0 }
  private readonly first: Source
  private readonly sources: Source[]
  private readonly dest: string
  private readonly store: string

  constructor(
    base: string,
    private readonly random: Random,
  ) {
    const [first, ...others] = stored(base, packages)
    this.first = first ?? assert.fail()
    this.sources = others
    this.store = path.join(base, 'store/one')
    this.dest = path.join(base, 'dest')
  }

  async round(): Promise<void> {
    const { dest, random, figures } = this
    // The same directory each time, so that the inode numbers of what is removed are given again.
    writeTree(dest, before)
    const hasManifest = random.below(2) === 0
    if (hasManifest) await mergeOn(defaultHost, [this.first], dest, { manifest: true })
    const options: MergeOptions = {
      existing: 'replace',
      concurrency: 1,
      ...(hasManifest && { manifest: true, prune: true }),
    }
    const actor = new Actor(dest, random, inodesOfDirectories(dest))
    const held = textsIn(dest)
    const ending = random.below(oneOf) === 0 ? 'killed' : random.pick<Ending>(['dies', 'fails'])
    figures.rounds++
    if (await this.interrupted(ending, options, actor)) figures[ending]++
    actor.act()
    const { left } = await recoverOn(defaultHost, dest)
    figures.left += left.length
    figures.aside += actor.aside.length
    this.assertKept(actor, held)
    // Nothing remains that the next merge would stumble over.
    await mergeOn(defaultHost, this.sources, dest, { existing: 'keep' }).catch((error: unknown) => {
      assert.equal((error as NodeJS.ErrnoException).code, 'ERR_MERGE_CONFLICT')
    })
    this.assertKept(actor, held)
    fs.rmSync(dest, { recursive: true })
  }

  /** False where the merge came to its end before. */
  private async interrupted(ending: Ending, options: MergeOptions, actor: Actor): Promise<boolean> {
    const { sources, dest } = this
    const at = firstStep + this.random.below(steps)
    actor.log.push(`${ending} at step ${String(at)}: ${JSON.stringify(options)}`)
    if (ending === 'killed')
      return (await killed({ what: 'merge', sources, dest, options, at })) === undefined
    const { host, hit } = failpoints(
      defaultHost,
      at,
      ({ operation }) => {
        if (ending === 'fails') actor.act()
        return failWith('EIO', operation)
      },
      { onwards: ending === 'dies' },
    )
    await mergeOn(host, sources, dest, options).catch(() => undefined)
    return hit.length > 0
  }

  /** What the actor has done stands, and so does what was there before, or what took its place. */
  private assertKept(actor: Actor, held: ReadonlyMap<string, string>): void {
    const { dest, store } = this
    const what = (at: string): string => `${at}, after: \n  ${actor.log.join('\n  ')}`
    for (const [at, text] of actor.entries) assert.equal(textOf(at), text, what(at))
    for (const at of actor.directories) assert.ok(fs.existsSync(at), what(at))
    const texts = [...textsIn(dest).values()]
    for (const [name, text] of held) {
      const at = path.join(dest, name)
      if ([...actor.gone].some((each) => each === at || at.startsWith(`${each}/`))) continue
      if (name in first || name === manifestName) continue
      assert.ok([text, textOf(path.join(store, name))].includes(textOf(at)), what(at))
    }
    for (const text of actor.aside) assert.ok(texts.includes(text), what(text))
  }
}

function inodesOfDirectories(dest: string): Set<bigint> {
  const found = new Set<bigint>()
  for (const name of fs.readdirSync(dest, { recursive: true, encoding: 'utf8' })) {
    const stats = fs.lstatSync(path.join(dest, name), { bigint: true })
    if (stats.isDirectory()) found.add(stats.ino)
  }
  return found
}

/** Of everything in dest, staging directories too. */
function textsIn(dest: string): Map<string, string> {
  const texts = new Map<string, string>()
  for (const name of fs.readdirSync(dest, { recursive: true, encoding: 'utf8' })) {
    const text = textOf(path.join(dest, name))
    if (text !== undefined) texts.set(name, text)
  }
  return texts
}

describeWith('locks', 'others who change what a killed or failed merge has left', function () {
  this.timeout(1_200_000)

  describeOn(['ext4'], (volume) => {
    it('lose nothing by its recovery', async () => {
      const loop = new ActorLoop(volume.fresh(), randomFrom(seed))
      for (let round = 0; round < roundsWanted; round++) {
        try {
          await loop.round()
        } catch (error) {
          const which = `seed ${String(seed)}, round ${String(round)}`
          throw new Error(`${which}: ${(error as Error).message}`, { cause: error })
        }
      }
      tellFigures(loop.figures)
    })
  })
})

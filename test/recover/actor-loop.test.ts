import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import { mergeOn, recoverOn } from '../../lib/merge'
import { describeOn } from '../support/describe-on'
import { failpoints } from '../support/failpoints'
import { tell } from '../support/figures'
import { describeWith } from '../support/needs'
import { randomFrom } from '../support/random'
import { failWith } from '../support/scripts'
import { writeTree } from '../support/tree'

const rounds = Number(process.env['REFLINK_MERGE_ROUNDS'] ?? 60)
const seed = Number(process.env['REFLINK_MERGE_SEED'] ?? Date.now() % 2 ** 32)
// As packages of npm have it.
const constantTime = new Date('1985-10-26T08:15:00Z')

type Random = (most: number) => number

/** Somebody who removes, makes again, renames, adds and edits; what is his, with its text. */
class Actor {
  readonly files = new Map<string, string>()
  private count = 0

  constructor(
    private readonly dest: string,
    private readonly below: Random,
  ) {}

  act(): void {
    for (let times = 1 + this.below(6); times > 0; times--) {
      const all = this.entries()
      const at = all[this.below(all.length)]
      if (at === undefined) return
      const isDirectory = fs.lstatSync(at).isDirectory()
      const others = [...this.files.keys()].some((file) => file === at || file.startsWith(`${at}/`))
      switch (this.below(5)) {
        case 0:
          if (others) break
          fs.rmSync(at, { recursive: true })
          if (isDirectory) fs.mkdirSync(at)
          this.write(isDirectory ? path.join(at, 'index.js') : at)
          break
        case 1:
          if (isDirectory) this.write(path.join(at, `mine-${String(this.count)}`))
          else this.edit(at)
          break
        case 2:
          if (!isDirectory || others) break
          this.take(at)
          break
        case 3:
          if (isDirectory || others) break
          // By rename, as editors and package managers do.
          this.write(`${at}.tmp`)
          fs.renameSync(`${at}.tmp`, at)
          this.files.set(at, this.files.get(`${at}.tmp`) ?? '')
          this.files.delete(`${at}.tmp`)
          break
        default:
          this.write(path.join(this.dest, `new-${String(this.count)}`))
      }
    }
  }

  private entries(): string[] {
    return fs
      .readdirSync(this.dest, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('.reflink-merge-'))
      .map((name) => path.join(this.dest, name))
      .filter((name) => !this.files.has(name))
      .sort()
  }

  /** A text as long as that of the merge's files, and times that tell nothing. */
  private write(at: string): void {
    const text = `m${String(this.count++).padStart(3, '0')}`
    fs.writeFileSync(at, text)
    fs.utimesSync(at, constantTime, constantTime)
    this.files.set(at, text)
  }

  private edit(at: string): void {
    const { mtime } = fs.lstatSync(at)
    const text = `e${String(this.count++).padStart(3, '0')}`
    fs.writeFileSync(at, text)
    fs.utimesSync(at, mtime, mtime)
    this.files.set(at, text)
  }

  /** What he has moved is his. */
  private take(at: string): void {
    const to = path.join(this.dest, `moved-${String(this.count++)}`)
    fs.renameSync(at, to)
    for (const name of fs.readdirSync(to, { recursive: true, encoding: 'utf8' })) {
      const file = path.join(to, name)
      if (fs.lstatSync(file).isFile()) this.files.set(file, fs.readFileSync(file, 'utf8'))
    }
  }
}

describeWith('locks', 'others who change what a killed merge has left', function () {
  this.timeout(1_200_000)

  describeOn(['ext4'], (volume) => {
    it('lose nothing by its recovery', async () => {
      const random = randomFrom(seed)
      const below: Random = (most) => random.below(most)
      const base = volume.fresh()
      const spec = Object.fromEntries(
        ['a', 'b', 'c/d', 'c/e', 'f', 'old', 'shared/g', 'shared/old'].map((name) => [
          /^(?:a|c|b)/.test(name) ? `${name}/index.js` : name,
          'ours',
        ]),
      )
      const sources = [{ name: 'one', dir: writeTree(path.join(base, 'one'), spec) }]
      let kills = 0
      for (let round = 0; round < rounds; round++) {
        const dest = path.join(base, 'dest')
        writeTree(dest, { old: 'olds', 'shared/old': 'olds', 'shared/own': 'own' })
        // So that the numbers of what is removed are given again.
        const { host, hit } = failpoints(
          defaultHost,
          20 + below(40),
          ({ operation }) => failWith('EIO', operation),
          { onwards: true },
        )
        await mergeOn(host, sources, dest, { existing: 'replace' }).catch(() => undefined)
        if (hit.length > 0) kills++
        const actor = new Actor(dest, below)
        actor.act()
        const { failed } = await recoverOn(defaultHost, dest).then(
          () => ({ failed: undefined }),
          (error: unknown) => ({ failed: error }),
        )
        assert.equal(failed, undefined)
        for (const [file, text] of actor.files) {
          const what = `seed ${String(seed)}, round ${String(round)}: ${file}`
          assert.ok(fs.existsSync(file), what)
          assert.equal(fs.readFileSync(file, 'utf8'), text, what)
        }
        // Nothing is left that the next merge would stumble over.
        await mergeOn(defaultHost, sources, dest, { existing: 'keep' }).catch((error: unknown) => {
          assert.equal((error as NodeJS.ErrnoException).code, 'ERR_MERGE_CONFLICT')
        })
        fs.rmSync(dest, { recursive: true })
      }
      tell('killed merges whose remains others changed', kills)
    })
  })
})

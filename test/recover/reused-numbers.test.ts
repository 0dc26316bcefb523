import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { recover } from '../../lib/index'
import { begunMerge } from '../support/begun'
import { describeOn } from '../support/describe-on'
import { describeWith } from '../support/needs'
import { writeTree } from '../support/tree'

// As packages of npm have it.
const constantTime = new Date('1985-10-26T08:15:00Z')

describeWith(
  'locks',
  'what got the inode number of something that a killed merge had published',
  () => {
    // These give a freed number to the next new entry.
    describeOn(['ext4', 'overlay-ext4'], (volume) => {
      /** A merge that was killed once it had published a file and a directory, both with npm's time. */
      async function begun(): Promise<{ base: string; dest: string }> {
        const base = volume.fresh()
        const dir = writeTree(path.join(base, 'one'), { file: 'ours', 'pkg/in': 'ours' })
        for (const name of ['file', 'pkg/in', 'pkg'])
          fs.utimesSync(path.join(dir, name), constantTime, constantTime)
        const dest = writeTree(path.join(base, 'dest'), { old: 'old' })
        const sources = [{ name: 'one', dir }]
        await begunMerge({ sources, dest, options: { preserveTimestamps: true } }, (at) =>
          ['file', 'pkg'].every((name) => fs.existsSync(path.join(at, name))),
        )
        return { base, dest }
      }

      /** Makes one entry after the other until one has the number; its path. The lowest free one is given first. */
      function makeWith(ino: number, base: string, make: (at: string) => void): string {
        for (let tries = 0; tries < 200; tries++) {
          const at = path.join(base, `made-${String(tries)}`)
          make(at)
          if (fs.statSync(at).ino === ino) return at
        }
        return assert.fail(`nothing got the number ${String(ino)}`)
      }

      it('a file of the same size and time stays', async () => {
        const { base, dest } = await begun()
        const file = path.join(dest, 'file')
        const { ino, mtimeMs, size } = fs.statSync(file)
        fs.unlinkSync(file)
        // Where a file has other names its ctime tells nothing, since it changes with these.
        const stored = makeWith(ino, base, (at) => {
          fs.writeFileSync(at, 'them')
        })
        fs.utimesSync(stored, constantTime, constantTime)
        fs.linkSync(stored, file)
        const now = fs.statSync(file)
        assert.deepEqual([now.ino, now.mtimeMs, now.size], [ino, mtimeMs, size])
        assert.equal((await recover(dest)).undone, 1)
        assert.equal(fs.readFileSync(file, 'utf8'), 'them')
      })

      it('a directory stays', async () => {
        const { base, dest } = await begun()
        const pkg = path.join(dest, 'pkg')
        const { ino } = fs.statSync(pkg)
        fs.rmSync(pkg, { recursive: true })
        const made = makeWith(ino, base, (at) => {
          fs.mkdirSync(at)
        })
        fs.renameSync(made, pkg)
        assert.equal((await recover(dest)).undone, 1)
        assert.equal(fs.existsSync(pkg), true)
      })
    })
  },
)

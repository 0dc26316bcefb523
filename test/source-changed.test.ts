import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Host } from '../lib/host/host'
import { nodeHost } from '../lib/host/node'
import type { LinkMode, MergeResult, Source } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { onBothHosts } from './support/both-hosts'
import { describeOn, type DescribedVolume } from './support/describe-on'
import { failureOf, type Failure } from './support/failure'
import { freshDir } from './support/fresh'
import { describeWith } from './support/needs'
import { slowly, type SlowOutcome } from './support/slow-reads'
import { MiB } from './support/volumes'

const bytes = 2 * MiB

/** What somebody does to a file, again and again while it is read. `round` is another number each time. */
type Change = (file: string, round: number) => void

function overwrite(file: string, round: number): void {
  const fd = fs.openSync(file, 'r+')
  fs.writeSync(fd, String(round).padStart(12), 0)
  fs.writeSync(fd, String(round).padStart(12), bytes - 12)
  fs.closeSync(fd)
}

const changes: Readonly<Record<string, Change>> = {
  'is appended to': (file) => {
    fs.appendFileSync(file, 'x')
  },
  'is truncated': (file, round) => {
    fs.truncateSync(file, bytes - round)
  },
  'is written anew in place': overwrite,
  'is written anew, and has its mtime put back': (file, round) => {
    overwrite(file, round)
    fs.utimesSync(file, 1_600_000_000, 1_600_000_000)
  },
}

const noChanges: Readonly<Record<string, Change>> = {
  'gets and loses hard links': (file) => {
    const link = path.join(path.dirname(file), '../link')
    fs.linkSync(file, link)
    fs.unlinkSync(link)
  },
  'has its atime set': (file, round) => {
    fs.utimesSync(file, round, 1_600_000_000)
  },
}

function makeSource(dir: string): { file: string; content: Buffer; dest: string } {
  const file = path.join(dir, 'a', 'log')
  const content = randomBytes(bytes)
  fs.mkdirSync(path.dirname(file))
  fs.writeFileSync(file, content)
  fs.utimesSync(file, 1_600_000_000, 1_600_000_000)
  return { file, content, dest: path.join(dir, 'dest') }
}

/** Changes the file until the work is done. `pause`: lets the work go on. */
async function during<T>(
  work: Promise<T>,
  file: string,
  change: Change,
  pause: () => Promise<unknown>,
): Promise<T> {
  let done = false as boolean
  const end = (): void => void (done = true)
  work.then(end, end)
  for (let round = 1; !done; round++) {
    change(file, round)
    await pause()
  }
  return work
}

const shapes = {
  'of a directory': (file: string): Source => ({ name: 'a', dir: path.dirname(file) }),
  'of a file map': (file: string): Source => ({ name: 'a', files: new Map([['log', file]]) }),
} as const

const allShapes = ['of a directory', 'of a file map'] as const

const inText = {
  'of a directory': (file: string) => `dir: ${JSON.stringify(path.dirname(file))}`,
  'of a file map': (file: string) => `files: new Map([['log', ${JSON.stringify(file)}]])`,
} as const

type Merge = (shape: keyof typeof shapes, file: string, dest: string) => Promise<SlowOutcome>

/** In a child that is slowed down: the addon is too fast to change something meanwhile for sure. */
const mergeSlowly =
  (linkMode: LinkMode): Merge =>
  (shape, file, dest) =>
    slowly(
      file,
      `lib.merge([{ name: 'a', ${inText[shape](file)} }], ${JSON.stringify(dest)}, { linkModes: '${linkMode}' })`,
    )

/** Every read of node:fs comes back to this thread, which changes the file before the next. */
const mergeByNode =
  (linkMode: LinkMode): Merge =>
  (shape, file, dest) =>
    mergeOn(nodeHost, [shapes[shape](file)], dest, { linkModes: linkMode }).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error as Failure }),
    )

function tests(volume: DescribedVolume, merge: Merge, pause: () => Promise<unknown>): void {
  for (const [what, change] of Object.entries(changes)) {
    // Both ways have the same calls under them.
    const isForBoth = what === 'is truncated'
    for (const shape of isForBoth ? allShapes : allShapes.slice(0, 1))
      it(`${shape} that ${what} is an error that says so, and nothing is placed`, async () => {
        const { file, dest } = makeSource(volume.fresh())
        const outcome = await during(merge(shape, file, dest), file, change, pause)
        assert.ok('error' in outcome, JSON.stringify(outcome))
        const { error } = outcome
        assert.equal(error.code, 'ERR_MERGE_SOURCE_CHANGED', error.message)
        assert.deepEqual([error.source, error.path], ['a', file])
        assert.equal(error.dest, path.join(dest, 'log'))
        assert.match(error.message, /changed while it was being read; try again once nothing/)
        assert.deepEqual(fs.readdirSync(path.dirname(dest)), ['a'])
      })
  }
  for (const [what, change] of Object.entries(noChanges))
    it(`of a directory that ${what} is placed as it is`, async () => {
      const { file, content, dest } = makeSource(volume.fresh())
      const outcome = await during(merge('of a directory', file, dest), file, change, pause)
      assert.ok('result' in outcome, JSON.stringify(outcome))
      assert.ok(content.equals(fs.readFileSync(path.join(dest, 'log'))))
      assert.equal((outcome.result as MergeResult).bytes, bytes)
    })
}

const aWhile = (): Promise<unknown> => sleep(5)
const aTurn = (): Promise<unknown> => new Promise(setImmediate)

describeWith('calls', 'with the addon, a source file that changes while it is read', () => {
  describeOn(['ext4'], (volume) => {
    tests(volume, mergeSlowly('copy'), aWhile)
  })
  describeOn(['btrfs'], (volume) => {
    tests(volume, mergeSlowly('clone'), aWhile)

    it('is the same error from cloneFile', async () => {
      const { file, dest } = makeSource(volume.fresh())
      const work = slowly(file, `lib.cloneFile(${JSON.stringify(file)}, ${JSON.stringify(dest)})`)
      const outcome = await during(work, file, overwrite, aWhile)
      assert.ok('error' in outcome, JSON.stringify(outcome))
      assert.equal(outcome.error.code, 'ERR_MERGE_SOURCE_CHANGED', outcome.error.message)
      assert.deepEqual([outcome.error.path, outcome.error.dest], [file, dest])
      assert.ok(!fs.existsSync(dest))
    })
  })
})

describe('with node:fs alone, a source file that changes while it is read', () => {
  describeOn(['ext4'], (volume) => {
    tests(volume, mergeByNode('copy'), aTurn)
  })
  describeOn(['btrfs'], (volume) => {
    tests(volume, mergeByNode('clone'), aTurn)
  })
})

describe('files whose size does not say what they hold', () => {
  const pseudo = [
    '/proc/version',
    '/proc/filesystems',
    '/sys/kernel/mm/transparent_hugepage/enabled',
    '/sys/class/net/lo/mtu',
  ].filter((file) => fs.existsSync(file))
  const files = new Map(pseudo.map((file) => [path.basename(file), file]))
  const total = pseudo.reduce((sum, file) => sum + fs.readFileSync(file).length, 0)

  onBothHosts((host) => {
    it('are copied to their end, counted by what they hold, and unchanged the second time', async () => {
      const dest = path.join(freshDir(), 'dest')
      const result = await mergeOn(host, [{ name: 'a', files }], dest)
      for (const file of pseudo)
        assert.equal(
          fs.readFileSync(path.join(dest, path.basename(file)), 'utf8'),
          fs.readFileSync(file, 'utf8'),
        )
      assert.deepEqual([result.files, result.bytes], [pseudo.length, total])
      const again = await mergeOn(host, [{ name: 'a', files }], dest)
      assert.equal(again.unchanged, pseudo.length)
    })

    it('of a directory likewise', async () => {
      const dir = '/sys/kernel/mm/transparent_hugepage'
      const dest = path.join(freshDir(), 'dest')
      const filter = (name: string): boolean => !name.includes('stats') && name !== 'khugepaged'
      const wanted = fs.readdirSync(dir).filter(filter)
      for (const options of [{}, { linkModes: 'copy' as const }]) {
        const to = `${dest}${String(Object.keys(options).length)}`
        const result = await mergeOn(host, [{ name: 'a', dir }], to, options)
        const enabled = fs.readFileSync(path.join(to, 'enabled'), 'utf8')
        assert.equal(enabled, fs.readFileSync(path.join(dir, 'enabled'), 'utf8'))
        assert.equal(result.bytes, bytesIn(to))
      }
      assert.ok(wanted.includes('enabled'))
    })

    it('are not taken for the same because both say 0', async () => {
      const [version = '', filesystems = ''] = pseudo
      const sources = [version, filesystems].map((file, at) => {
        return { name: `s${String(at)}`, files: new Map([['file', file]]) }
      })
      const error = await failureOf(mergeOn(host, sources, path.join(freshDir(), 'dest')))
      assert.equal(error.code, 'ERR_MERGE_CONFLICT')
    })

    it('a file that was truncated or grew between scan and copy counts by what was placed', async () => {
      const dir = freshDir()
      fs.mkdirSync(path.join(dir, 'a'))
      let isScanned = false
      const late: Host = {
        ...host,
        mkdir: (jobs, exact) => {
          if (!isScanned) {
            fs.writeFileSync(path.join(dir, 'a', 'f'), 'and after')
            fs.writeFileSync(path.join(dir, 'a', 'log'), '')
          }
          isScanned = true
          return host.mkdir(jobs, exact)
        },
      }
      for (const [at, source] of Object.values(shapes).entries()) {
        fs.writeFileSync(path.join(dir, 'a', 'log'), 'log')
        fs.writeFileSync(path.join(dir, 'a', 'f'), 'before')
        isScanned = false
        const to = path.join(dir, `dest-${String(at)}`)
        const result = await mergeOn(late, [source(path.join(dir, 'a', 'log'))], to)
        assert.equal(result.bytes, bytesIn(to))
      }
    })
  })

  onBothHosts((host) => {
    describeOn(['ext4', 'xfs', 'btrfs', 'tmpfs'], (volume) => {
      it('holes are kept, also at the end of a file of more than 2 GiB', async () => {
        const dir = volume.fresh()
        const file = path.join(dir, 'a', 'sparse')
        fs.mkdirSync(path.dirname(file))
        const fd = fs.openSync(file, 'w')
        fs.writeSync(fd, 'start', 0)
        fs.writeSync(fd, 'middle', 70_000)
        fs.ftruncateSync(fd, host.kind === 'native' ? 3 * 2 ** 30 : 64 * MiB)
        fs.closeSync(fd)
        for (const [at, options] of [{ linkModes: 'copy' as const }, {}].entries()) {
          const dest = path.join(dir, `dest${String(at)}`)
          await mergeOn(host, [{ name: 'a', dir: path.dirname(file) }], dest, options)
          const [was, is] = [fs.statSync(file), fs.statSync(path.join(dest, 'sparse'))]
          assert.equal(is.size, was.size)
          assert.ok(is.blocks <= was.blocks + 512, `${String(is.blocks)} of ${String(was.blocks)}`)
          const start = Buffer.alloc(100_000)
          const copied = fs.openSync(path.join(dest, 'sparse'), 'r')
          fs.readSync(copied, start, 0, start.length, 0)
          fs.closeSync(copied)
          assert.equal(start.toString('utf8', 0, 5), 'start')
          assert.equal(start.toString('utf8', 70_000, 70_006), 'middle')
        }
      })
    })
  })
})

function bytesIn(dir: string): number {
  return fs.readdirSync(dir, { withFileTypes: true }).reduce((sum, entry) => {
    const at = path.join(dir, entry.name)
    return sum + (entry.isDirectory() ? bytesIn(at) : fs.statSync(at).size)
  }, 0)
}

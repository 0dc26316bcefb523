import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { BenchResult } from '../../lib/bench/result'
import { runNode, startNode, type ChildResult } from '../support/child'
import { describeOn } from '../support/describe-on'
import { freshDir } from '../support/fresh'
import { holdersOf } from '../support/holders'
import { writeTree } from '../support/tree'

const main = path.join(__dirname, '..', '..', 'lib', 'cli', 'main.ts')
const bench = (...args: string[]): Promise<ChildResult> => runNode([main, 'bench', ...args])

function assertRefused(result: ChildResult, said: RegExp): void {
  assert.equal(result.code, 2)
  assert.match(result.stderr, said)
  assert.equal(result.stdout, '')
}

describe('reflink-merge bench', () => {
  it('of a directory that is not there, or is none, is refused', async () => {
    const dir = freshDir()
    const file = path.join(writeTree(path.join(dir, 'tree'), { file: 'f' }), 'file')
    assertRefused(await bench('--dir', path.join(dir, 'missing')), /ENOENT/)
    assertRefused(await bench('--dir', file), /is not a directory/)
    assertRefused(await bench('--dir', dir, '--source', file), /is not a directory/)
    assert.deepEqual(fs.readdirSync(dir), ['tree'])
  })

  it('whose page cannot be written is refused before anything is measured', async () => {
    const dir = freshDir()
    const html = path.join(dir, 'missing', 'report.html')
    assertRefused(await bench('--dir', dir, '--html', html), /ENOENT/)
    assert.deepEqual(fs.readdirSync(dir), [])
  })

  it('with a number of rounds that is none is refused', async () => {
    assertRefused(await bench('--rounds', '0'), /must be a whole number/)
  })
})

describeOn(['ext4'], (volume) => {
  it('reflink-merge bench tells why nothing is cloned, and recommends nothing after one round', async () => {
    const dir = volume.fresh()
    const source = writeTree(path.join(freshDir(), 'source'), {
      'a/file': 'f'.repeat(5000),
      'a/link': { symlink: 'file' },
      run: { data: 'r', mode: 0o755 },
    })
    const args = ['--dir', dir, '--source', source, '--quick', '--rounds', '1']
    const { code, stdout, stderr } = await bench(...args)
    assert.deepEqual([code, stderr], [0, 'reflink-merge: rehearsal\nreflink-merge: round 1\n'])
    assert.match(stdout, /^Not possible here: clone: .*EOPNOTSUPP/m)
    assert.match(stdout, /^\? Nothing can be concluded from 1 round: 3 are the least\.$/m)
    assert.match(stdout, /^→ None, from 1 round\.$/m)
    assert.match(
      stdout,
      new RegExp(`The\\s+package\\s+tree:\\s+${source};\\s+2\\s+files\\s+in\\s+1\\s+directory,`),
    )
    assert.deepEqual(fs.readdirSync(dir), [])
  })

  it('reflink-merge bench on a disk without room is refused, and says how much it needs', async () => {
    const dir = volume.fresh()
    const source = path.join(freshDir(), 'source')
    fs.mkdirSync(source)
    // A file with a hole takes no room here, but would there.
    fs.writeFileSync(path.join(source, 'huge'), '')
    fs.truncateSync(path.join(source, 'huge'), 2 ** 32)
    assertRefused(await bench('--dir', dir, '--source', source), /needs 17.* GB free but has only/)
    assert.deepEqual(fs.readdirSync(dir), [])
  })

  it('reflink-merge bench --quiet prints nothing, and measures what it is told', async () => {
    const dir = volume.fresh()
    const source = writeTree(path.join(freshDir(), 'source'), { file: 'f' })
    const html = path.join(freshDir(), 'report.html')
    const args = ['--dir', dir, '--source', source, '--quick', '--rounds', '1', '--quiet']
    const { code, stdout, stderr } = await bench(...args, '--html', html)
    assert.deepEqual([code, stdout, stderr], [0, '', ''])
    const [, json = ''] =
      /id="result">\s*(\{.*\})\s*<\/script>/.exec(fs.readFileSync(html, 'utf8')) ?? []
    const { tree, fileSystem } = JSON.parse(json) as BenchResult
    assert.deepEqual([tree.files, tree.source, fileSystem], [1, source, 'ext4'])
  })

  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 130],
    ['SIGHUP', 129],
  ] as const) {
    it(`reflink-merge bench leaves nothing behind after ${signal}, neither files nor processes`, async () => {
      const dir = volume.fresh()
      const child = startNode([main, 'bench', '--dir', dir])
      let told = ''
      child.process.stderr?.on('data', (chunk) => (told += String(chunk)))
      // In the middle of the rehearsal: processes run, sources lie there.
      while (!told.includes('rehearsal')) await sleep(20)
      await sleep(500)
      assert.equal(fs.readdirSync(dir).length, 1)
      // To all of the group, as a terminal does; kill reaches one.
      if (signal === 'SIGTERM') child.process.kill(signal)
      else child.kill(signal)
      const { code, stderr } = await child.done
      assert.equal(code, expected, stderr)
      assert.match(stderr, /interrupted, nothing was changed/)
      assert.deepEqual(fs.readdirSync(dir), [])
      assert.deepEqual(holdersOf(dir), [])
    })
  }
})

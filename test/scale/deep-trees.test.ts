import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { merge, planMerge } from '../../lib'
import { failureOf } from '../support/failure'
import { freshDir } from '../support/fresh'
import { describeWith } from '../support/needs'
import { preOrder, walk } from '../../lib/traversal'

// Each level takes several calls, where functions call themselves: more than the stack of a thread has room for.
const depth = 1800

function pathOfDepth(names: number, last: string): string {
  return [...Array.from({ length: names }, () => 'd'), last].join('/')
}

/** Made step by step: the system takes no path of that length. */
function makeDeep(base: string, name: string, file: string): string {
  const script = [
    'mkdir "$1"; cd "$1"',
    `for i in $(seq ${String(depth)}); do mkdir d; cd d; done`,
    'echo text > "$2"',
  ].join('\n')
  const root = path.join(base, name)
  execFileSync('sh', ['-ec', script, 'sh', root, file])
  return root
}

describe('a tree that is deeper than the stack', () => {
  it('is gone through without calling itself', () => {
    interface Node {
      readonly below: Node[]
    }
    let root: Node = { below: [] }
    for (let level = 0; level < 100_000; level++) root = { below: [root] }
    assert.equal([...preOrder(root, ({ below }) => below)].length, 100_001)
    let visited = 0
    walk(root, ({ below }) => {
      visited++
      return below
    })
    assert.equal(visited, 100_001)
  })

  it('may be a file map', async () => {
    const base = freshDir()
    const file = path.join(base, 'file')
    fs.writeFileSync(file, 'text')
    const files = new Map([
      [pathOfDepth(depth, 'one'), file],
      [pathOfDepth(depth - 1, 'two'), file],
    ])
    const sources = [
      { name: 'a', files },
      { name: 'b', files },
    ]
    const plan = await planMerge(sources, path.join(base, 'dest'))
    assert.equal(plan.directories, depth)
    assert.equal([...plan.entries()].length, depth + 2)
  })

  it('is refused, at once and with a code, where it is deeper than any merge goes', async () => {
    const base = freshDir()
    const file = path.join(base, 'file')
    fs.writeFileSync(file, 'text')
    const files = new Map([[pathOfDepth(5000, 'one'), file]])
    const error = await failureOf(merge([{ name: 'a', files }], path.join(base, 'dest')))
    assert.equal(error.code, 'ERR_MERGE_INVALID_PATH')
    assert.match(error.message, /more than 4096 directories deep/)
    assert.ok(error.message.length < 500)
    assert.equal(fs.existsSync(path.join(base, 'dest')), false)
  })

  describeWith('addon', 'with the addon', () => {
    it('is merged, and merged again', async function () {
      this.timeout(240_000)
      const base = freshDir()
      const one = { name: 'one', dir: makeDeep(base, 'one', 'first') }
      const dest = path.join(base, 'dest')
      const first = await merge([one], dest)
      assert.deepEqual([first.directories, first.created], [depth, 1])
      assert.equal((await merge([one], dest)).unchanged, 1)
      execFileSync('rm', ['-rf', base])
    })
  })
})

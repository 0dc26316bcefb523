import assert from 'node:assert/strict'

import { ProgressLines } from '../../lib/cli/progress-lines'
import type { MergeProgress } from '../../lib/index'

describe('progress where there is no terminal', () => {
  let time = 0
  before(() => {
    Object.defineProperty(performance, 'now', { value: () => time, configurable: true })
  })
  after(() => {
    Reflect.deleteProperty(performance, 'now')
  })

  it('is a line after three seconds, then one every five', () => {
    const lines: string[] = []
    const seconds: number[] = []
    time = 0
    const view = new ProgressLines((line) => {
      lines.push(line)
      seconds.push(time / 1000)
    })
    for (; time < 20_000; time += 500) {
      const files = time / 10
      const progress: MergeProgress = {
        ...{
          phase: 'stage',
          files,
          totalFiles: 2_000,
          bytes: files * 1_000,
          totalBytes: 2_000_000,
        },
      }
      view.update(progress)
    }
    view.stop()
    assert.deepEqual(seconds, [3, 8, 13, 18])
    for (const line of lines)
      assert.match(
        line,
        /^reflink-merge: placing: [\d,]+ of 2,000 files \(\d+ %\), 100 files\/s, \d+ s left$/,
      )
  })
})

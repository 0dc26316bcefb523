import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { Measuring } from '../../lib/bench/measure'
import type { Supplies } from '../../lib/bench/supplies'
import type { Workers } from '../../lib/bench/workers'
import { freshDir } from '../support/fresh'

describe('a measurement that is aborted', () => {
  it('removes nothing while a worker may still write, and rejects with the reason', async () => {
    const field = freshDir()
    const dest = path.join(field, 'dest')
    const stop = new AbortController()
    const reason = new Error('interrupted')
    const workers: Pick<Workers, 'run'> = {
      run: () => {
        fs.writeFileSync(path.join(dest, 'half'), '')
        stop.abort(reason)
        return Promise.reject(reason)
      },
    }
    const supplies: Pick<Supplies, 'of'> = {
      of: () => ({
        dir: field,
        holds: { files: 0, directories: 0, symlinks: 0, bytes: 0, biggest: null },
      }),
    }
    const used = (): Promise<{ all: number; data: number }> => Promise.resolve({ all: 0, data: 0 })
    const measuring = new Measuring(
      ...([field, used, supplies as Supplies, workers as Workers, stop.signal] as const),
    )
    const task = {
      work: 'sizes',
      method: 'copy',
      size: 1,
      state: 'settled',
      workers: null,
    } as const
    await assert.rejects(measuring.rehearse(task), reason)
    assert.deepEqual(fs.readdirSync(dest), ['half'])
  })
})

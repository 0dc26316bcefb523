import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { CannotDo, type Measuring } from '../../lib/bench/measure'
import type { Task } from '../../lib/bench/result'
import { runRounds } from '../../lib/bench/rounds'
import { row } from './rows-of'

const tasks = (['clone', 'hardlink', 'copy'] as const).map((method): Task => ({
  ...row({ method }, []),
}))
const { rounds: measuredRounds } = row({}, [{}])

/** Notes what is done instead of doing it. */
function noting(refused: Task['method'][] = [], ms = 0): { log: string[]; measuring: Measuring } {
  const log: string[] = []
  const note = async ({ method }: Task): Promise<void> => {
    await sleep(ms)
    log.push(method)
    if (refused.includes(method)) throw new CannotDo('not here')
  }
  const measuring = {
    rehearse: (task: Task) => note(task).then(() => null),
    measure: (task: Task) => note(task).then(() => measuredRounds[0]),
  }
  return { log, measuring: measuring as unknown as Measuring }
}

const unlimited = { limit: null, onProgress: undefined }

describe('bench rounds', () => {
  it('do every task once a round, from another one on each time, after a rehearsal', async () => {
    const { log, measuring } = noting()
    const { entries, rounds } = await runRounds(measuring, tasks, { rounds: 2, ...unlimited })
    assert.deepEqual(log, [
      ...['clone', 'hardlink', 'copy'],
      ...['hardlink', 'copy', 'clone'],
      ...['copy', 'clone', 'hardlink'],
    ])
    assert.deepEqual([rounds, ...entries.map((entry) => entry.rounds.length)], [2, 2, 2, 2])
  })

  it('leave out what cannot be done, and tell why', async () => {
    const { log, measuring } = noting(['clone'])
    const { entries } = await runRounds(measuring, tasks, { rounds: 3, ...unlimited })
    assert.equal(log.filter((method) => method === 'clone').length, 1)
    assert.deepEqual(
      entries.map(({ failed, rounds }) => [failed, rounds.length]),
      [
        ['not here', 0],
        [null, 3],
        [null, 3],
      ],
    )
  })

  it('end at the time limit, but not before three are done', async () => {
    const { measuring } = noting([], 100)
    const { rounds } = await runRounds(measuring, tasks.slice(0, 1), {
      ...{ rounds: 50, limit: 0.5, onProgress: undefined },
    })
    assert.ok(rounds === 3 || rounds === 4, String(rounds))
  })

  it('end before three are done where these would take four times the limit', async () => {
    const { measuring } = noting([], 20)
    const { rounds } = await runRounds(measuring, tasks, {
      ...{ rounds: 5, limit: 0.01, onProgress: undefined },
    })
    assert.equal(rounds, 0)
  })

  it('let what is no refusal of a task through', async () => {
    const broken = { rehearse: () => Promise.reject(new Error('EIO')) } as unknown as Measuring
    await assert.rejects(runRounds(broken, tasks, { rounds: 1, ...unlimited }), /EIO/)
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge, openMerge, planMerge } from '../lib/index'
import { failureOf } from './support/failure'
import { freshDir } from './support/fresh'
import { stored } from './support/session'

/** As polyfills make them: no AbortSignal, and without `reason` and `throwIfAborted`. */
class ForeignSignal extends EventTarget {
  aborted = false
  abort(): void {
    this.aborted = true
    this.dispatchEvent(new Event('abort'))
  }
}

const calls = { merge, planMerge } as const

describe('a signal of a polyfill', () => {
  const scene = () => {
    const base = freshDir()
    return { sources: stored(base, { one: { file: 'file' } }), dest: path.join(base, 'dest') }
  }

  for (const [name, call] of Object.entries(calls)) {
    it(`is accepted by ${name}()`, async () => {
      const { sources, dest } = scene()
      const signal = new ForeignSignal() as unknown as AbortSignal
      assert.equal((await call(sources, dest, { signal })).files, 1)
    })

    it(`ends ${name}() with an AbortError, aborted before it`, async () => {
      const { sources, dest } = scene()
      const signal = new ForeignSignal()
      signal.abort()
      const given = { signal: signal as unknown as AbortSignal }
      assert.equal((await failureOf(call(sources, dest, given))).name, 'AbortError')
      assert.equal(fs.existsSync(dest), false)
    })
  }

  it('ends an open session', async () => {
    const { sources, dest } = scene()
    const signal = new ForeignSignal()
    const session = await openMerge(dest, { signal: signal as unknown as AbortSignal })
    for (const source of sources) await session.add(source)
    signal.abort()
    assert.equal((await failureOf(session.commit())).name, 'AbortError')
    assert.equal(fs.existsSync(dest), false)
  })

  for (const [what, signal] of Object.entries({
    'aborted alone': { aborted: false },
    'no listeners': { aborted: false, addEventListener: 1, removeEventListener: 1 },
    'listeners that throw': Object.create(AbortSignal.prototype) as object,
    'listeners alone': new EventTarget(),
  }))
    it(`is refused with ${what}`, async () => {
      const { sources, dest } = scene()
      const options = { signal: signal as AbortSignal }
      for (const call of [
        merge(sources, dest, options),
        planMerge(sources, dest, options),
        openMerge(dest, options),
      ])
        assert.equal((await failureOf(call as Promise<unknown>)).code, 'ERR_INVALID_ARG_TYPE')
    })
})

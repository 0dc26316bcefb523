import assert from 'node:assert/strict'

import { isWide, ratios, summarize, verdict } from '../../lib/bench/statistics'

describe('bench statistics', () => {
  it('of odd and even numbers of values have the middle as median', () => {
    assert.deepEqual(summarize([3, 1, 2]), { median: 2, min: 1, max: 3 })
    assert.deepEqual(summarize([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 })
    assert.equal(summarize([]), null)
  })

  it('compare values of the same round, so that a slow round cancels out', () => {
    assert.deepEqual(ratios([2, 20, 4], [1, 10, 2]), { median: 2, min: 2, max: 2 })
  })

  it('give a verdict only if all rounds agree, and there are three', () => {
    assert.equal(verdict(summarize([1.1, 1.2, 1.3]), 3), 'more')
    assert.equal(verdict(summarize([0.1, 0.2, 0.9]), 3), 'less')
    assert.equal(verdict(summarize([0.9, 5, 6]), 3), 'unclear')
    assert.equal(verdict(summarize([1.1, 1.2]), 2), 'unclear')
    assert.equal(verdict(null, 0), 'unclear')
  })

  it('call a spread of more than 30 % of the median wide', () => {
    assert.equal(isWide({ median: 10, min: 9, max: 12 }), false)
    assert.equal(isWide({ median: 10, min: 9, max: 12.1 }), true)
  })
})

import assert from 'node:assert/strict'

import { defaultHost } from '../../lib/host'
import type { Host } from '../../lib/host/host'
import { nodeHost } from '../../lib/host/node'
import { describeWith } from './needs'

/** One describe block per host, all with the same tests: the one with the addon, and the one with node:fs alone. */
export function onBothHosts(tests: (host: Host) => void): void {
  describeWith('addon', 'with the addon', () => {
    before('has the addon', () => {
      assert.equal(defaultHost.kind, 'native', 'the addon is not built')
    })
    tests(defaultHost)
  })
  describe('with node:fs alone', () => {
    tests(nodeHost)
  })
}

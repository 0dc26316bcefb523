import assert from 'node:assert/strict'
import fs from 'node:fs'

import { onBothHosts } from '../support/both-hosts'
import { freshDir } from '../support/fresh'
import { Scene } from './scene'

describe('an entry that the new version of its source lacks, and that stays without prune', () => {
  onBothHosts((host) => {
    it('is compared with the version that it came from, and removed once that is asked for', async () => {
      const scene = new Scene(freshDir(), host)
      await scene.install({ 'lib/kept': 'kept', 'lib/own': 'own', x: 'one' })
      await scene.install({ x: 'two' }, { prune: false })
      // Touched: its stat record tells nothing any more.
      fs.utimesSync(scene.at('lib/kept'), 1, 1)
      fs.writeFileSync(scene.at('lib/own'), 'OWN')
      const told = (await scene.verify()).modified.map(({ path: at }) => at)
      assert.deepEqual(told, ['lib/own'])
      const { removed } = await scene.install({ x: 'two' }, { modified: 'keep' })
      assert.equal(removed, 1)
      assert.deepEqual(scene.held(), ['lib/', 'lib/own', 'x'])
    })
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { mergeOn } from '../lib/merge'
import { onBothHosts } from './support/both-hosts'
import { describeOn } from './support/describe-on'
import { stored } from './support/session'

// ns; what a double in seconds cannot hold.
const exactEnough = 1000n

function mtimeOf(...parts: string[]): bigint {
  return fs.lstatSync(path.join(...parts), { bigint: true }).mtimeNs
}

describe('a time before 1970', () => {
  describeOn(['ext4', 'tmpfs'], (volume) => {
    onBothHosts((host) => {
      for (const linkMode of ['clone', 'copy'] as const)
        it(`is kept of files, directories and symlinks if asked: ${linkMode}`, async () => {
          const base = volume.fresh()
          const tree = { 'sub/file': 'file', 'sub/nothing': '', link: { symlink: 'sub' } }
          const sources = stored(base, { one: tree })
          const store = path.join(base, 'store/one')
          // Node takes a negative number for now.
          for (const name of ['sub/file', 'sub/nothing', 'sub', 'link'])
            fs.lutimesSync(path.join(store, name), '-86400.125', '-86400.125')
          assert.equal(mtimeOf(store, 'link'), -86_400_125_000_000n)
          const dest = path.join(base, 'dest')
          const options = { preserveTimestamps: true, linkModes: [linkMode, 'copy'] } as const
          const modes = linkMode === 'copy' ? ({ ...options, linkModes: 'copy' } as const) : options
          await mergeOn(host, sources, dest, modes)
          for (const name of ['sub/file', 'sub/nothing', 'sub', 'link']) {
            const apart = mtimeOf(dest, name) - mtimeOf(store, name)
            assert.ok(apart < exactEnough && -apart < exactEnough, `${name}: ${String(apart)} ns`)
          }
          const again = await mergeOn(host, sources, dest, { ...modes, existing: 'replace' })
          assert.deepEqual([again.unchanged, again.replaced], [3, 0])
        })
    })
  })
})

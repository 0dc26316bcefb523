import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { merge } from '../../lib/index'
import { freshDir } from '../support/fresh'
import { withUmask } from '../support/umask'
import { stored } from '../support/session'

const modeOf = (dir: string): number => fs.statSync(dir).mode & 0o7777

describe('a dest that is missing', () => {
  for (const mode of [0o750, 0o555, 0o777])
    it(`gets the mode of the source's root, as \`to\` does: ${mode.toString(8)}`, async () => {
      const base = freshDir()
      const [source] = stored(base, { a: { f: 'f' } })
      assert.ok(source)
      fs.chmodSync(source.dir, mode)
      const dest = path.join(base, 'deep/dest')
      await withUmask(0o027, async () => {
        await merge([source, { ...source, name: 'b', to: 'inside' }], dest)
      })
      assert.equal(modeOf(dest), mode)
      assert.equal(modeOf(path.join(dest, 'inside')), mode)
      // What leads to it is made like mkdir -p does.
      assert.equal(modeOf(path.dirname(dest)), 0o750)
    })

  it('is made like mkdir does where every source goes somewhere below it', async () => {
    const base = freshDir()
    const [source] = stored(base, { a: { f: 'f' } })
    assert.ok(source)
    fs.chmodSync(source.dir, 0o700)
    const dest = path.join(base, 'dest')
    await withUmask(0o022, async () => {
      await merge([{ ...source, to: 'inside' }], dest)
    })
    assert.equal(modeOf(dest), 0o755)
  })

  it("gets the times of the source's root with preserveTimestamps, and is left alone once it is there", async () => {
    const base = freshDir()
    const [source] = stored(base, { a: { f: 'f' } })
    assert.ok(source)
    fs.utimesSync(source.dir, 1000, 2000)
    const dest = path.join(base, 'dest')
    await merge([source], dest, { preserveTimestamps: true })
    assert.equal(fs.statSync(dest).mtimeMs, 2_000_000)
    fs.chmodSync(dest, 0o711)
    fs.utimesSync(dest, 3000, 3000)
    await merge([source], dest, { preserveTimestamps: true })
    assert.equal(modeOf(dest), 0o711)
    assert.equal(fs.statSync(dest).mtimeMs, 3_000_000)
  })
})

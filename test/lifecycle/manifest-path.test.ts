import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../../lib/host'
import type { MergeOptions } from '../../lib/index'
import { onBothHosts } from '../support/both-hosts'
import { failpoints } from '../support/failpoints'
import { errno } from '../../lib/errno'
import { failureOf, pathLines } from '../support/failure'
import { freshDir } from '../support/fresh'
import { writeTree } from '../support/tree'
import { withUmask } from '../support/umask'
import { Scene, stateOf } from './scene'

describe('a manifest in a directory below dest', () => {
  onBothHosts((host) => {
    let scene: Scene
    let options: MergeOptions & { manifest: string }
    beforeEach(() => {
      scene = new Scene(freshDir(), host)
      options = { manifest: scene.at('meta/deep/list') }
    })

    async function assertRefused(call: Promise<unknown>, code: string): Promise<string[]> {
      const before = stateOf(scene.base)
      const error = await failureOf(call)
      assert.equal(error.code, code, error.message)
      assert.deepEqual(stateOf(scene.base), before)
      return pathLines(error)
    }

    for (const [state, spec] of Object.entries({
      'that is missing': undefined,
      'that lacks it': { own: 'own' },
      'that has some of it': { 'meta/own': 'own' },
    }))
      it(`of a dest ${state}: it is made, and found again`, async () => {
        if (spec !== undefined) writeTree(scene.dest, spec)
        const source = scene.version('pkg', { 'lib/a': 'a', b: 'b' })
        await withUmask(0o027, () => scene.sync([source], options))
        assert.ok(fs.statSync(options.manifest).isFile())
        assert.equal(fs.statSync(scene.at('meta/deep')).mode & 0o777, 0o750)
        const again = await scene.sync([source], options)
        assert.deepEqual([again.unchanged, again.created], [2, 0])
        assert.deepEqual((await scene.verify(options)).modified, [])
        const { removed } = await scene.remove(['pkg'], options)
        assert.equal(removed, 2)
        assert.deepEqual(scene.staging(), [])
        const left = ['meta/', 'meta/deep/', 'meta/deep/list', ...Object.keys(spec ?? {})]
        assert.deepEqual(scene.held(), left.sort())
      })

    it('that a source has too is published with what the source has there', async () => {
      writeTree(scene.dest, { own: 'own' })
      const source = scene.version('pkg', { 'meta/deep/other': 'other' })
      await scene.sync([source], options)
      assert.deepEqual((await scene.verify(options)).modified, [])
      const { removed } = await scene.sync([], options)
      assert.equal(removed, 1)
      assert.deepEqual(scene.held(), ['meta/', 'meta/deep/', 'meta/deep/list', 'own'])
    })

    for (const [what, spec, lines] of [
      [
        'in its place',
        { 'meta/deep/list': 'x' },
        ['pkg: meta/deep/list (the place of the manifest)'],
      ],
      [
        'a directory in its place',
        { 'meta/deep/list/x': 'x' },
        ['pkg: meta/deep/list (the place of the manifest)'],
      ],
      [
        'in its place, in capitals',
        { 'Meta/deep/LIST': 'x' },
        ['pkg: Meta/deep/LIST (the place of the manifest)'],
      ],
      [
        'above it',
        { 'meta/deep': 'x' },
        ['pkg: meta/deep (a directory of the manifest is wanted there)'],
      ],
      [
        'a symlink above it',
        { meta: { symlink: 'other' } },
        ['pkg: meta (a directory of the manifest is wanted there)'],
      ],
    ] as const)
      it(`refuses a source with an entry ${what}`, async () => {
        const first = scene.version('first', { a: 'a' })
        await scene.sync([first], options)
        const other = scene.version('pkg', spec)
        const call = scene.sync([first, other], { ...options, existing: 'replace' })
        assert.deepEqual(await assertRefused(call, 'ERR_MERGE_INVALID_PATH'), lines)
      })

    for (const at of ['meta', 'meta/deep'])
      it(`is not looked for through a symlink in the place of ${at}`, async () => {
        const source = scene.version('pkg', { a: 'a' })
        await scene.sync([source], options)
        const away = path.join(scene.base, 'away')
        fs.renameSync(scene.at(at), away)
        fs.symlinkSync(away, scene.at(at))
        const empty = scene.version('pkg', {})
        for (const call of [
          () => scene.sync([source], options),
          () => scene.sync([empty], options),
          () => scene.remove(['pkg'], options),
          () => scene.verify(options),
        ])
          await assertRefused(call(), 'ERR_MERGE_MANIFEST')
      })

    it('is not written through a symlink to a directory without one', async () => {
      const away = writeTree(path.join(scene.base, 'away'), { 'deep/mine': 'mine' })
      writeTree(scene.dest, {})
      fs.symlinkSync(away, scene.at('meta'))
      await failureOf(scene.sync([scene.version('pkg', { a: 'a' })], options))
      assert.deepEqual(fs.readdirSync(path.join(away, 'deep')), ['mine'])
      assert.deepEqual(scene.staging(), [])
      assert.deepEqual(scene.held(), ['meta'])
    })

    it('cannot be where a file of dest stands above it', async () => {
      writeTree(scene.dest, { meta: 'mine' })
      const call = scene.sync([scene.version('pkg', { a: 'a' })], options)
      await assertRefused(call, 'ERR_MERGE_MANIFEST')
    })

    for (const [what, name] of Object.entries({
      'with the name of a staging directory': '.reflink-merge-0123456789abcdef',
      'below a staging directory': '.reflink-merge-0123456789abcdef-part/list',
      'with a backslash': 'a\\b',
    }))
      it(`cannot be a path ${what}`, async () => {
        const call = scene.sync([], { manifest: scene.at(name) })
        await assertRefused(call, 'ERR_INVALID_ARG_VALUE')
      })
  })

  it('is taken back with its directories, whatever fails', async () => {
    for (let n = 1; ; n++) {
      const scene = new Scene(freshDir(), defaultHost)
      writeTree(scene.dest, { own: 'own' })
      const source = scene.version('pkg', { 'lib/a': 'a', b: 'b' })
      const before = stateOf(scene.base)
      const { host, hit } = failpoints(defaultHost, n, () => {
        return { errno: errno.EIO, syscall: 'test' }
      })
      const options = { manifest: scene.at('meta/deep/list'), concurrency: 1 }
      const outcome = await scene
        .through(host)
        .sync([source], options)
        .catch((error: unknown) => error as Error)
      if (hit.length === 0) {
        assert.ok(n > 20, String(n))
        break
      }
      if (outcome instanceof Error) assert.deepEqual(stateOf(scene.base), before, String(n))
      else assert.deepEqual((await scene.verify(options)).modified, [])
      fs.rmSync(scene.base, { recursive: true })
    }
  })
})

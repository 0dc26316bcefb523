import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { createIndexedPkgImporter } from '../../lib/pnpm'
import type { ImportOptions, PackageImportMethod } from '../../lib/pnpm'
import { describeOn } from '../support/describe-on'
import { identities } from '../support/identities'
import { sharingOf } from '../support/sharing'
import { snapshot } from '../support/snapshot'
import { tsxInThreads } from '../support/threads'
import { writeTree } from '../support/tree'
import type { TreeSpec } from '../support/tree'

const content = Buffer.alloc(16 * 1024, 'x')

/** A store with three files, and a place for the package. */
function scene(dir: string, there: TreeSpec = {}) {
  const store = writeTree(path.join(dir, 'store'), {
    ...{ 1: '{}', 2: content, 3: { data: '#!/bin/sh', mode: 0o755 } },
  })
  const to = path.join(dir, 'node_modules/.pnpm/pkg@1.0.0/node_modules/pkg')
  if (Object.keys(there).length > 0) writeTree(to, there)
  const filesMap = new Map([
    ['package.json', path.join(store, '1')],
    ['lib/index.js', path.join(store, '2')],
    ['bin/run', path.join(store, '3')],
  ])
  const options: ImportOptions = { filesMap, force: false, resolvedFrom: 'remote' }
  return {
    store,
    to,
    options,
    inStore: path.join(store, '2'),
    index: path.join(to, 'lib/index.js'),
  }
}

function filesOf(dir: string): string[] {
  return snapshot(dir).flatMap(({ path: at, type, mode }) =>
    type === 'file' ? [`${at} ${mode ?? ''}`] : [],
  )
}

const whole = ['bin/run 755', 'lib/index.js 644', 'package.json 644']

describe('createIndexedPkgImporter()', () => {
  tsxInThreads()

  describeOn(['btrfs'], (volume) => {
    const told: [PackageImportMethod | undefined, string, boolean][] = [
      [undefined, 'clone', true],
      ['auto', 'clone', true],
      ['clone', 'clone', true],
      ['clone-or-copy', 'clone', true],
      ['hardlink', 'hardlink', true],
      ['copy', 'copy', false],
    ]
    for (const [method, used, isShared] of told)
      it(`imports by ${used}: ${String(method)}`, async () => {
        const { to, options, inStore, index } = scene(volume.fresh())
        assert.equal(createIndexedPkgImporter(method)(to, options), used)
        assert.deepEqual(filesOf(to), whole)
        const [sharing] = await sharingOf([[inStore, index]])
        assert.equal(sharing, isShared ? 'shared' : 'separate')
        assert.equal(fs.statSync(index).nlink, used === 'hardlink' ? 2 : 1)
      })

    for (const method of ['clone', 'copy', 'hardlink', 'auto'] as const)
      it(`leaves a package of the store alone that is there, unless it is forced: ${method}`, () => {
        const { to, options, index } = scene(volume.fresh())
        const importPackage = createIndexedPkgImporter(method)
        const stored: ImportOptions = { ...options, resolvedFrom: 'store' }
        const used = importPackage(to, stored)
        const before = identities(to)
        assert.equal(importPackage(to, stored), undefined)
        assert.deepEqual(identities(to), before)
        fs.rmSync(index)
        assert.equal(importPackage(to, { ...stored, force: true }), used)
        assert.deepEqual(filesOf(to), whole)
      })

    it('links a package again whose files are not those of the store', () => {
      const { to, options, inStore, index } = scene(volume.fresh(), { 'package.json': '{}' })
      const stored: ImportOptions = { ...options, resolvedFrom: 'store' }
      assert.equal(createIndexedPkgImporter('hardlink')(to, stored), 'hardlink')
      assert.equal(fs.statSync(index).ino, fs.statSync(inStore).ino)
    })

    it('takes the place of what is there', () => {
      const old = { 'lib/index.js': 'old', 'old/file': 'old', 'bin/run/file': 'old' }
      const { to, options } = scene(volume.fresh(), { ...old, 'node_modules/a': 'a' })
      createIndexedPkgImporter()(to, options)
      assert.deepEqual(filesOf(to), whole)
    })

    it('keeps node_modules where it is asked to', () => {
      const there = { 'old.js': 'old', 'node_modules/a/index.js': 'a' }
      const { to, options, store } = scene(volume.fresh(), there)
      const filesMap = new Map([...options.filesMap, ['node_modules/b/index.js', `${store}/2`]])
      createIndexedPkgImporter()(to, { ...options, filesMap, keepModulesDir: true })
      const modules = ['node_modules/a/index.js 644', 'node_modules/b/index.js 644']
      assert.deepEqual(filesOf(to), [...whole, ...modules].sort())
    })

    it('with safeToSkip mends what differs, and removes nothing', () => {
      const there = { 'bin/run/stray': 'x', lib: 'a file', 'build.node': 'built' }
      const { to, options } = scene(volume.fresh(), there)
      createIndexedPkgImporter()(to, { ...options, safeToSkip: true })
      assert.deepEqual(filesOf(to), ['bin/run 755', 'build.node 644', ...whole.slice(1)].sort())
    })

    it('replaces a symlink, and leaves alone what it leads to', () => {
      const dir = volume.fresh()
      const { to, options } = scene(dir)
      const linked = writeTree(path.join(dir, 'workspace'), { own: 'own' })
      fs.mkdirSync(path.dirname(to), { recursive: true })
      fs.symlinkSync(linked, to)
      createIndexedPkgImporter()(to, options)
      assert.deepEqual(filesOf(to), whole)
      assert.deepEqual(filesOf(linked), ['own 644'])
    })

    it('leaves a package alone that a local directory was imported to', () => {
      const { to, options } = scene(volume.fresh(), { 'own.js': 'own' })
      const local = {
        ...options,
        resolvedFrom: 'local-dir',
        disableRelinkLocalDirDeps: true,
      } as const
      const importPackage = createIndexedPkgImporter('hardlink')
      assert.equal(importPackage(to, local), undefined)
      fs.rmSync(path.join(to, 'own.js'))
      assert.equal(importPackage(to, local), 'hardlink')
      assert.deepEqual(filesOf(to), whole)
    })

    it('leaves dest as it was where a file of the store is missing', () => {
      const { to, options, store } = scene(volume.fresh(), { old: 'old' })
      fs.rmSync(path.join(store, '3'))
      assert.throws(() => createIndexedPkgImporter()(to, options), { code: 'ENOENT' })
      assert.deepEqual(filesOf(to), ['old 644'])
    })
  })

  describeOn(['ext4'], (volume) => {
    it('finds out once what works: auto', () => {
      const dir = volume.fresh()
      const { to, options, index, inStore } = scene(dir)
      const importPackage = createIndexedPkgImporter('auto')
      assert.equal(importPackage(to, options), 'hardlink')
      assert.equal(fs.statSync(index).ino, fs.statSync(inStore).ino)
      assert.equal(importPackage(path.join(dir, 'second'), options), 'hardlink')
      assert.equal(
        createIndexedPkgImporter('clone-or-copy')(path.join(dir, 'third'), options),
        'copy',
      )
    })

    it('never copies where clones are required', () => {
      const { to, options } = scene(volume.fresh())
      assert.throws(() => createIndexedPkgImporter('clone')(to, options), { code: 'EOPNOTSUPP' })
      assert.equal(fs.existsSync(to), false)
    })
  })

  it('refuses a method that there is not', () => {
    const method = 'teleport' as PackageImportMethod
    assert.throws(() => createIndexedPkgImporter(method), { code: 'ERR_INVALID_ARG_VALUE' })
  })

  it('refuses a package without files', () => {
    const options: ImportOptions = { filesMap: new Map(), force: false, resolvedFrom: 'store' }
    assert.throws(() => createIndexedPkgImporter()('/nowhere/at/all', options), /without files/)
  })
})

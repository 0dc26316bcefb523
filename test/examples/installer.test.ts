import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { describeOn } from '../support/describe-on'
import { linkForExamples, Project } from '../support/installer'
import { snapshot } from '../support/snapshot'
import { Tarballs } from '../support/tarballs'

const script = { data: '#!/usr/bin/env node\r\nconsole.log("ran")\r\n' }

describe('the installer of the examples', () => {
  let tarballs: Tarballs
  before(async () => {
    linkForExamples()
    tarballs = await Tarballs.start()
  })
  after(() => tarballs.close())

  describeOn(['btrfs'], (volume) => {
    const project = (packages: Record<string, object>): Project =>
      new Project(volume.fresh(), packages)

    it('makes of a lock what npm makes of it', async () => {
      const tool = tarballs.publish('tool', '1.0.0', {
        'cli.js': script,
        'node_modules/inner/run.js': script,
        'node_modules/other/index.js': 'what is in the tarball',
        'lib/link': { symlink: '../cli.js' },
        '.gitignore': 'out\n',
      })
      const other = tarballs.publish('other', '2.0.0', { 'index.js': 'what the lock says' })
      const left = tarballs.publish('only-elsewhere', '1.0.0', { 'index.js': '' })
      const packages = {
        '@scope/other': { ...tarballs.publish('@scope/other', '1.0.0', { 'a.js': 'a' }) },
        'only-elsewhere': { ...left, os: ['win32'], optional: true },
        tool: { ...tool, bin: { tool: 'cli.js', gone: 'gone.js' } },
        'tool/node_modules/inner': { version: '1.0.0', inBundle: true, bin: { inner: 'run.js' } },
        'tool/node_modules/other': other,
      }
      const fresh = project(packages)
      assert.equal(await fresh.install(), '4 packages, 3 fetched, 11 created\n')
      const entries = snapshot(fresh.modules).filter(isInstalled)
      assert.deepEqual(
        entries.map(({ path, mode, target }) => `${path} ${target ?? mode ?? ''}`),
        [
          '.bin 755',
          '.bin/tool ../tool/cli.js',
          '.package-lock.json 644',
          '@scope 755',
          '@scope/other 755',
          '@scope/other/a.js 644',
          '@scope/other/package.json 644',
          'tool 755',
          'tool/.npmignore 644',
          'tool/cli.js 755',
          'tool/node_modules 755',
          'tool/node_modules/.bin 755',
          'tool/node_modules/.bin/inner ../inner/run.js',
          'tool/node_modules/inner 755',
          'tool/node_modules/inner/run.js 755',
          'tool/node_modules/other 755',
          'tool/node_modules/other/index.js 644',
          'tool/node_modules/other/package.json 644',
          'tool/package.json 644',
        ],
      )
      assert.match(fresh.read('tool/cli.js'), /^#!\/usr\/bin\/env node\n/)
      assert.equal(fresh.read('tool/node_modules/other/index.js'), 'what the lock says')
      const { packages: listed } = JSON.parse(fresh.read('.package-lock.json')) as {
        packages: object
      }
      const installed = Object.entries(packages).filter(([to]) => to !== 'only-elsewhere')
      assert.deepEqual(
        listed,
        Object.fromEntries(installed.map(([to, entry]) => [`node_modules/${to}`, entry])),
      )
    })

    it('fetches each package once, and a rerun changes nothing', async () => {
      const a = tarballs.publish('once', '1.0.0', { 'index.js': 'once' })
      const first = project({ once: a, 'other/node_modules/once': a })
      await first.install()
      const before = fs.statSync(path.join(first.modules, 'once/index.js'), { bigint: true })
      assert.equal(await first.install(), '2 packages, up to date: 5 files as installed\n')
      const after = fs.statSync(path.join(first.modules, 'once/index.js'), { bigint: true })
      assert.deepEqual([after.ino, after.ctimeNs], [before.ino, before.ctimeNs])

      fs.rmSync(first.modules, { recursive: true })
      assert.equal(await first.install(), '2 packages, 5 created\n')
      const requests = tarballs.requests.filter((url) => url.includes('/once/'))
      assert.equal(requests.length, 1)
    })

    it('upgrades, downgrades and removes', async () => {
      const v1 = tarballs.publish('grows', '1.0.0', { 'lib.js': 'one', 'old/gone.js': 'old' })
      const v2 = tarballs.publish('grows', '2.0.0', { 'lib.js': 'two', old: 'a file now' })
      const stays = tarballs.publish('stays', '1.0.0', { 'index.js': 'stays' })
      const fresh = project({ grows: v1, stays })
      await fresh.install()
      const first = snapshot(fresh.modules).filter(isInstalled)

      fresh.lock({ grows: v2, stays })
      assert.match(await fresh.install(), /^2 packages, 1 fetched, .*, 2 unchanged\n$/)
      assert.deepEqual([fresh.read('grows/lib.js'), fresh.read('grows/old')], ['two', 'a file now'])

      fresh.lock({ grows: v1, stays })
      await fresh.install()
      assert.deepEqual(snapshot(fresh.modules).filter(isInstalled), first)

      fresh.lock({ stays })
      await fresh.install()
      assert.deepEqual([fresh.has('grows'), fresh.has('stays/index.js')], [false, true])
    })

    it('says what the user has edited, and keeps it or puts it back as asked', async () => {
      const v1 = tarballs.publish('edited', '1.0.0', { 'index.js': 'one', 'more.js': 'one' })
      const v2 = tarballs.publish('edited', '2.0.0', { 'index.js': 'two', 'more.js': 'two' })
      const fresh = project({ edited: v1 })
      await fresh.install()
      fresh.write('edited/index.js', 'mine')
      fresh.write('notes.txt', 'mine too')
      assert.match(
        await fresh.fail(),
        /edited\/index\.js: something else is there, or it was changed/,
      )

      fresh.lock({ edited: v2 })
      assert.match(await fresh.fail(), /edited\/index\.js/)
      assert.deepEqual(
        [fresh.read('edited/index.js'), fresh.read('edited/more.js')],
        ['mine', 'one'],
      )
      assert.match(await fresh.install('--changed', 'keep'), /index\.js: was changed, kept/)
      assert.deepEqual(
        [fresh.read('edited/index.js'), fresh.read('edited/more.js')],
        ['mine', 'two'],
      )
      await fresh.install('--changed', 'replace')
      assert.deepEqual(
        [fresh.read('edited/index.js'), fresh.read('notes.txt')],
        ['two', 'mine too'],
      )
    })

    it('fetches a broken tarball again, names it if it stays broken, and does without if it is optional', async () => {
      const broken = tarballs.publish('broken', '1.0.0', { 'index.js': 'fine' })
      const helper = tarballs.publish('helper', '1.0.0', { 'index.js': 'helps' })
      const sound = tarballs.publish('sound', '1.0.0', { 'index.js': 'sound' })
      const fresh = project({ broken, sound })
      tarballs.decide('broken', '1.0.0', 'broken')
      const complaint = await fresh.fail()
      assert.match(complaint, /^install: broken@1\.0\.0 could not be fetched after 3 tries: /)
      assert.equal(fs.existsSync(fresh.modules), false)

      fresh.lock({
        sound,
        broken: { ...broken, optional: true, dependencies: { helper: '1' } },
        helper: { ...helper, optional: true },
      })
      assert.match(
        await fresh.install(),
        /\nbroken@1\.0\.0: could not be fetched, and is optional\n/,
      )
      assert.deepEqual(
        [fresh.has('broken'), fresh.has('helper'), fresh.has('sound')],
        [false, false, true],
      )

      fresh.lock({ broken, sound })
      tarballs.decide('broken', '1.0.0', 'broken', 'served')
      assert.match(await fresh.install(), /^2 packages, 1 fetched/)
      assert.equal(fresh.read('broken/index.js'), 'fine')
    })

    for (const signal of ['SIGINT', 'SIGKILL'] as const)
      it(`leaves nothing half installed after ${signal}, and the next run installs all`, async () => {
        const slow = tarballs.publish(`slow-${signal}`, '1.0.0', { 'index.js': 'slow' })
        const quick = tarballs.publish(`quick-${signal}`, '1.0.0', { 'index.js': 'quick' })
        tarballs.decide(`slow-${signal}`, '1.0.0', 'held', 'served')
        const fresh = project({ quick, slow })
        const held = tarballs.held()
        const child = fresh.start()
        await held
        child.process.kill(signal)
        const { code, stderr } = await child.done
        assert.equal(stderr, signal === 'SIGINT' ? 'install: interrupted\n' : '')
        assert.equal(code, signal === 'SIGINT' ? 130 : null)
        assert.equal(fs.existsSync(fresh.modules), false)

        await fresh.install()
        assert.deepEqual(
          [fresh.read('slow/index.js'), fresh.read('quick/index.js')],
          ['slow', 'quick'],
        )
        assert.deepEqual(fresh.unpacking(), [])
        const beside = fs.readdirSync(path.dirname(fresh.modules))
        assert.deepEqual(beside.sort(), ['node_modules', 'package-lock.json'])
      })

    it('fetches again what somebody has removed from the store', async () => {
      const lost = tarballs.publish('lost', '1.0.0', { 'index.js': 'lost' })
      const fresh = project({ lost })
      await fresh.install()
      for (const file of fresh.stored()) fs.rmSync(file)
      fs.rmSync(fresh.modules, { recursive: true })
      assert.match(await fresh.install(), /^1 packages, 1 fetched/)
      assert.equal(fresh.read('lost/index.js'), 'lost')
    })

    it('links into the store if it is told to', async () => {
      const fresh = project({
        linked: tarballs.publish('linked', '1.0.0', { 'index.js': 'linked' }),
      })
      await fresh.install('--link', 'hardlink')
      const inodes = fresh.stored().map((file) => fs.statSync(file).ino)
      assert.ok(inodes.includes(fs.statSync(path.join(fresh.modules, 'linked/index.js')).ino))
    })

    it('refuses a package for another machine, and one without integrity', async () => {
      const entry = tarballs.publish('foreign', '1.0.0', {})
      const fresh = project({ foreign: { ...entry, cpu: ['sparc'] } })
      assert.match(await fresh.fail(), /^install: foreign@1\.0\.0: Unsupported platform/)
      fresh.lock({ foreign: { version: '1.0.0' } })
      assert.match(await fresh.fail(), /^install: foreign@1\.0\.0: the lock has no integrity/)
    })
  })
})

/** The manifest tells inodes and times. */
function isInstalled({ path }: { path: string }): boolean {
  return path !== '.reflink-merge-manifest'
}

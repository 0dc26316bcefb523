import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from '../support/child'
import { examplesOf } from '../documents/examples'
import { writeExampleStore } from '../documents/project'
import { freshDir } from '../support/fresh'
import { asInstalled, installPackage, offline } from '../support/installed'
import { writeTree } from '../support/tree'
import { withNodeHeaders } from '../../scripts/node-headers.cjs'

/** Runs node in a directory, without a network; gives what it wrote to stdout. */
async function node(cwd: string, ...args: string[]): Promise<string> {
  // What the tests themselves run with must not help.
  const env = { ...asInstalled, NODE_OPTIONS: undefined, REFLINK_MERGE_ADDON: undefined }
  const options = { cwd, env, prefix: offline }
  const { code, stdout, stderr } = await startCommand([process.execPath, ...args], options).done
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  return stdout
}

const named = ['cloneFile', 'cloneFileSync', 'merge', 'openMerge', 'planMerge', 'probe', 'recover']

describe('the installed package', () => {
  let dir = ''
  before(() => {
    dir = installPackage()
  })

  it('brings its addon along, for require() and for import', async () => {
    const load = '({ loaded, loadError }) => console.log(loaded, loadError)'
    const required = await node(dir, '-e', `(${load})(require('reflink-merge/binding'))`)
    const imported = await node(dir, '-e', `import('reflink-merge/binding').then(${load})`)
    assert.deepEqual([required, imported], ['true undefined\n', 'true undefined\n'])
  })

  it('has named exports for ES modules', async () => {
    writeTree(dir, {
      'named.mjs': `
        import { ${[...named, 'sharedBytes', 'MergeError', 'SystemError'].join(', ')} } from 'reflink-merge'
        import { reflink, reflinkAsync, loaded } from 'reflink-merge/binding'
        import { cp } from 'reflink-merge/cp'
        import { createRequire } from 'node:module'
        const same = createRequire(import.meta.url)('reflink-merge').merge === merge
        console.log([${named.join(', ')}].map((each) => typeof each).join(), typeof reflink, typeof cp, loaded, same)`,
    })
    const functions = named.map(() => 'function').join()
    assert.equal(await node(dir, 'named.mjs'), `${functions} function function true true\n`)
  })

  it('runs the first example of the README', async () => {
    writeExampleStore(dir)
    const first = examplesOf('README.md').find(({ kind }) => kind === 'js')
    assert.ok(first?.kind === 'js')
    assert.equal(await node(dir, '-e', first.code), first.output)
    assert.ok(fs.existsSync(path.join(dir, 'project/node_modules/@acme/core/package.json')))
  })

  it('has its command', async () => {
    const told = await node(dir, 'node_modules/.bin/reflink-merge', '--version')
    assert.match(told, /^\d+\.\d+\.\d+/)
  })

  it('merges without an addon too, and says so', async () => {
    const without = writeTree(freshDir(), { 'store/a/index.js': 'a' })
    fs.cpSync(path.join(dir, 'node_modules'), path.join(without, 'node_modules'), {
      recursive: true,
    })
    fs.rmSync(path.join(without, 'node_modules/reflink-merge/prebuilds'), { recursive: true })
    const told = await node(
      without,
      '-e',
      `const { merge } = require('reflink-merge')
       const { loaded, loadError } = require('reflink-merge/binding')
       merge([{ name: 'a', dir: 'store/a' }], 'dest').then(({ created, containment }) => {
         console.log(created, loaded, containment, String(loadError).includes('No native build was found'))
       })`,
    )
    assert.equal(told, '1 false best-effort true\n')
    assert.equal(fs.readFileSync(path.join(without, 'dest/index.js'), 'utf8'), 'a')
  })

  it('can be compiled by its user: docs/packaging.md', async () => {
    const own = writeTree(freshDir(), { 'node_modules/': {} })
    const modules = path.join(own, 'node_modules')
    fs.cpSync(path.join(dir, 'node_modules'), modules, { recursive: true })
    fs.symlinkSync(
      path.resolve('node_modules/node-addon-api'),
      path.join(modules, 'node-addon-api'),
    )
    const native = path.join(modules, 'reflink-merge/native')
    // To compile all of it takes half a minute: what would be compiled is listed.
    const gyp = [process.execPath, path.resolve('node_modules/node-gyp/bin/node-gyp.js')]
    const command = [...gyp, 'configure', '--directory', native]
    const { code, stderr } = await startCommand(command, { env: withNodeHeaders() }).done
    assert.equal(code, 0, stderr)
    const make = ['make', '--dry-run', '-C', path.join(native, 'build')]
    const { stdout } = await startCommand(make).done
    const compiled = new Set([...stdout.matchAll(/(\w+)\.o\b/g)].map(([, name]) => name))
    for (const name of ['addon', 'linux', 'place', 'columns']) assert.ok(compiled.has(name), name)
    assert.ok(!compiled.has('macos') && !compiled.has('win32'))
    // What it makes counts before the prebuilt addon.
    const built = path.join(native, 'build/Release')
    fs.mkdirSync(built, { recursive: true })
    fs.copyFileSync('build/Release/reflink_merge.node', path.join(built, 'reflink_merge.node'))
    fs.rmSync(path.join(modules, 'reflink-merge/prebuilds'), { recursive: true })
    const load = "console.log(require('reflink-merge/binding').loaded)"
    assert.equal(await node(own, '-e', load), 'true\n')
  })
})

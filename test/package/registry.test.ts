import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from '../support/child'
import { freshDir } from '../support/fresh'
import { asInstalled, packForRegistry } from '../support/installed'
import { installPackageManagers, managers } from '../support/package-managers'
import { startRegistry } from '../support/registry'
import { writeTree } from '../support/tree'

/** What a package manager says where it wanted to run a script, or would not. */
const ofScripts =
  /build scripts?|postinstall|node-gyp rebuild|gyp (?:info|ERR)|must be built|not built|blocked|ignored scripts/i

/** Merges with the installed package. */
const merging = `
  const { merge } = require('reflink-merge')
  const { loaded } = require('reflink-merge/binding')
  merge([{ name: 'a', dir: 'store' }], 'dest').then(({ created }) => console.log(created, loaded))`

/** Programs that a build would start, in the place of the real ones: they write down that they were called, and fail. */
function trapBuilds(dir: string): { bin: string; calls: () => string } {
  const log = path.join(dir, 'calls')
  const trap = { data: `#!/bin/sh\necho "$0 $*" >> '${log}'\nexit 1\n`, mode: 0o755 }
  const names = ['node-gyp', 'make', 'cmake', 'cc', 'c++', 'gcc', 'g++', 'python', 'python3']
  writeTree(dir, Object.fromEntries(names.map((name) => [`bin/${name}`, trap])))
  const calls = (): string => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '')
  return { bin: path.join(dir, 'bin'), calls }
}

describe('the package, installed from a registry', function () {
  this.timeout(300_000)
  let close: (() => Promise<void>) | undefined
  let registry = ''
  before(async () => {
    installPackageManagers()
    const started = await startRegistry(packForRegistry())
    ;({ url: registry, close } = started)
  })
  after(() => close?.())

  /** Installs it, and merges with it. */
  async function install(manager: (typeof managers)[number], url: string) {
    const dir = writeTree(freshDir(), {
      'package.json': '{ "name": "consumer", "version": "1.0.0", "private": true }',
      'store/a': 'a',
      ...manager.files?.(url),
    })
    const { bin, calls } = trapBuilds(freshDir())
    const env = {
      ...asInstalled,
      // What this process was started by must not say how another package manager works.
      ...Object.fromEntries(
        Object.keys(process.env)
          .filter((name) => /^npm_/i.test(name))
          .map((name) => [name, undefined]),
      ),
      ...manager.env(url, freshDir()),
      HOME: freshDir(),
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      npm_config_node_gyp: path.join(bin, 'node-gyp'),
      NODE_OPTIONS: undefined,
      NODE_V8_COVERAGE: undefined,
      LD_PRELOAD: undefined,
      REFLINK_MERGE_ADDON: undefined,
    }
    const installed = await startCommand(manager.command, { cwd: dir, env, timeout: 120_000 }).done
    const output = installed.stdout + installed.stderr
    const merged = await startCommand([process.execPath, '-e', merging], { cwd: dir, env }).done
    return { code: installed.code, output, calls: calls(), merged: merged.stdout + merged.stderr }
  }

  for (const manager of managers)
    it(`needs no script: ${manager.name}`, async () => {
      const { code, output, calls, merged } = await install(manager, registry)
      assert.equal(code, 0, output)
      assert.equal(calls, '')
      assert.doesNotMatch(output, ofScripts)
      assert.equal(merged, '1 true\n')
    })

  it('would need one with a binding.gyp at its top, which this test sees', async () => {
    const other = await startRegistry(
      packForRegistry((dir) => {
        fs.writeFileSync(path.join(dir, 'binding.gyp'), '{}')
        const manifest = path.join(dir, 'package.json')
        const text = fs.readFileSync(manifest, 'utf8')
        fs.writeFileSync(manifest, text.replace('"files": [', '"files": ["binding.gyp",'))
      }),
    )
    try {
      const npm = managers.find(({ name }) => name === 'npm 11')
      assert.ok(npm)
      const { code, calls } = await install(npm, other.url)
      // node-gyp looks for Python first.
      assert.notEqual(code, 0)
      assert.match(calls, /python/)
    } finally {
      await other.close()
    }
  })
})

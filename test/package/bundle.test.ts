import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { build } from 'esbuild'

import { startCommand } from '../support/child'
import { freshDir } from '../support/fresh'
import { asInstalled, installPackage } from '../support/installed'
import { writeTree } from '../support/tree'

const application = `
  import { merge } from 'reflink-merge'
  import { loaded } from 'reflink-merge/binding'
  merge([{ name: 'a', dir: 'store' }], 'dest').then(({ created, containment }) => {
    console.log(created, loaded, containment)
  })`

describe('the installed package, bundled by esbuild', () => {
  let dir = ''
  before(() => {
    dir = writeTree(installPackage(), { 'app.mjs': application })
  })

  /** What the bundle prints, which lies in `app/dist` of an empty directory. */
  async function bundled(
    external: string[],
    format: 'cjs' | 'esm',
    prepare: (app: string) => void,
  ): Promise<string> {
    const cwd = writeTree(freshDir(), { 'store/a': 'a' })
    const app = path.join(cwd, 'app')
    const file = path.join(app, `dist/app.${format === 'cjs' ? 'cjs' : 'mjs'}`)
    const options = { bundle: true, platform: 'node', format, external } as const
    const entry = path.join(dir, 'app.mjs')
    const { warnings } = await build({ ...options, entryPoints: [entry], outfile: file })
    assert.deepEqual(warnings, [])
    prepare(app)
    const { stdout, stderr } = await startCommand([process.execPath, file], {
      cwd,
      env: asInstalled,
    }).done
    assert.equal(stderr, '')
    return stdout
  }

  const installed = (app: string): void => {
    fs.symlinkSync(path.join(dir, 'node_modules'), path.join(app, 'node_modules'))
  }

  for (const format of ['cjs', 'esm'] as const)
    it(`with the package left out, finds it with its addon: ${format}`, async () => {
      assert.equal(await bundled(['reflink-merge'], format, installed), '1 true kernel\n')
    })

  it('with the library in it, finds the addons in the folder above', async () => {
    const told = await bundled([], 'cjs', (app) => {
      const prebuilds = path.join(dir, 'node_modules/reflink-merge/prebuilds')
      fs.cpSync(prebuilds, path.join(app, 'prebuilds'), { recursive: true })
    })
    assert.equal(told, '1 true kernel\n')
  })

  it('with the library in it and the addons left behind, works without, and says so', async () => {
    assert.equal(await bundled([], 'cjs', () => undefined), '1 false best-effort\n')
  })
})

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { packPackage } from '../support/installed'

const root = path.resolve(__dirname, '../..')

function below(dir: string, ending: string): string[] {
  return fs
    .readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
}

describe('the tarball', () => {
  let packed: ReturnType<typeof packPackage>
  before(() => {
    packed = packPackage()
  })

  it('has the compiled library, the native sources, the addons, and nothing else', () => {
    const native = ['.cc', '.h', '.gyp', '.gypi'].flatMap((ending) => below('native', ending))
    const others = packed.files.filter((name) => !name.startsWith('prebuilds/'))
    assert.deepEqual(
      others.sort(),
      [
        ...['LICENSE', 'README.md', 'package.json'],
        ...['index', 'binding'].flatMap((name) =>
          ['js', 'js.map', 'd.ts'].map((ending) => `dist/${name}.${ending}`),
        ),
        ...['cp', 'pnpm'].flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`]),
        'dist/merge-thread.js',
        ...['dist/errors.d.ts', 'dist/merge-error.d.ts', 'dist/types.d.ts'],
        ...['dist/cli/main.js', 'dist/cli/worker.js', 'dist/bench/page.html', 'dist/LICENSES.txt'],
        ...fs.readdirSync(path.join(root, 'schemas')).map((name) => `schemas/${name}`),
        ...native.map((name) => `native/${name}`),
      ].sort(),
    )
    const addons = packed.files.filter((name) => name.startsWith('prebuilds/'))
    const own = `prebuilds/${process.platform}-${process.arch}/`
    assert.ok(addons.some((name) => name.startsWith(own)))
    assert.ok(
      addons.every((name) => /^prebuilds\/\w+-\w+\/reflink-merge(?:\.\w+)?\.node$/.test(name)),
    )
  })

  it('has at most 2 MB', () => {
    assert.ok(packed.bytes <= 2_000_000, `${String(packed.bytes)} bytes`)
  })

  it('needs one package at run time, and asks for no script at install, not even node-gyp', () => {
    const text = fs.readFileSync(path.join(root, 'package.json'), 'utf8')
    const manifest = JSON.parse(text) as {
      dependencies: Record<string, string>
      scripts: Record<string, string>
      gypfile?: boolean
    }
    assert.deepEqual(Object.keys(manifest.dependencies), ['node-gyp-build'])
    // npm 11 reports a `prepare` too where it installs a tarball file.
    const scripts = ['preinstall', 'install', 'postinstall', 'prepare']
    const run = scripts.filter((name) => name in manifest.scripts)
    assert.deepEqual({ run, gypfile: manifest.gypfile }, { run: [], gypfile: false })
  })
})

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
    const compiled = below('lib', '.ts')
      .map((name) => `dist/${name.slice(0, -'.ts'.length)}`)
      .flatMap((name) => [`${name}.js`, `${name}.js.map`, `${name}.d.ts`])
    const native = [...below('native', '.cc'), ...below('native', '.h')]
    const others = packed.files.filter((name) => !name.startsWith('prebuilds/'))
    assert.deepEqual(
      others.sort(),
      [
        ...['LICENSE', 'README.md', 'binding.gyp', 'package.json'],
        ...['scripts/node-headers.cjs', 'scripts/with-node-headers.mjs'],
        ...compiled,
        'dist/bench/page.html',
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

  it('asks for no script at install, not even node-gyp', () => {
    const text = fs.readFileSync(path.join(root, 'package.json'), 'utf8')
    const manifest = JSON.parse(text) as { scripts: Record<string, string>; gypfile?: boolean }
    const run = ['preinstall', 'install', 'postinstall'].filter((name) => name in manifest.scripts)
    assert.deepEqual({ run, gypfile: manifest.gypfile }, { run: [], gypfile: false })
  })
})

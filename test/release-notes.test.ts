import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { runNode } from './support/child'
import { freshDir } from './support/fresh'
import { writeTree } from './support/tree'

const scripts = path.join(__dirname, '..', 'scripts')

const changelog = `# Changelog

## [Unreleased]

- not yet

## [1.2.3] - 2026-11-24

### Added

- this

## [1.2.2]

- before

## [1.2.1]
`

/** What it says of a tag in a project of this version. */
async function notesOf(tag: string, version: string) {
  const dir = writeTree(freshDir(), {
    'CHANGELOG.md': changelog,
    'package.json': JSON.stringify({ version }),
  })
  for (const name of ['release-notes.mjs', 'run.mjs']) {
    fs.mkdirSync(path.join(dir, 'scripts'), { recursive: true })
    fs.copyFileSync(path.join(scripts, name), path.join(dir, 'scripts', name))
  }
  const { code, stdout, stderr } = await runNode([path.join(dir, 'scripts/release-notes.mjs'), tag])
  return { code, stdout, stderr }
}

describe('the notes of a release', () => {
  it('are the section of CHANGELOG.md, and nothing of its neighbours', async () => {
    const stdout = '### Added\n\n- this\n'
    assert.deepEqual(await notesOf('v1.2.3', '1.2.3'), { code: 0, stdout, stderr: '' })
  })

  for (const [what, tag, version, reason] of [
    ['the tag of another version', 'v1.2.3', '1.2.4', 'the tag is v1.2.3, and package.json has'],
    ['a version that CHANGELOG.md lacks', 'v1.2', '1.2', 'CHANGELOG.md has nothing about 1.2:'],
    ['a version of which it has a title only', 'v1.2.1', '1.2.1', 'CHANGELOG.md has nothing about'],
    ['no tag', '', '1.2.3', 'the tag is , and package.json has version 1.2.3'],
  ] as const)
    it(`are refused for ${what}`, async () => {
      const { code, stdout, stderr } = await notesOf(tag, version)
      assert.deepEqual([code, stdout], [1, ''])
      assert.ok(stderr.startsWith(`No release: ${reason}`), stderr)
    })
})

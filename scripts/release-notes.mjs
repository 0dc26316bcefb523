// node scripts/release-notes.mjs v1.2.3: the section of CHANGELOG.md for that version. Fails if there is none, or if
// package.json has another version: then it is no release.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const [tag = ''] = process.argv.slice(2)
const version = tag.replace(/^v/, '')
/** @type {unknown} */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { version: stated } = /** @type {{ version: string }} */ (manifest)
if (stated !== version) refuse(`the tag is ${tag}, and package.json has version ${stated}`)

const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m).slice(1)
const section = sections.find((text) => text.startsWith(`[${version}]`))
const [, ...lines] = section?.split('\n') ?? []
const notes = lines.join('\n').trim()
if (notes === '')
  refuse(`CHANGELOG.md has nothing about ${version}: add "## [${version}] - <date>"`)
console.log(notes)

/** @param {string} reason */
function refuse(reason) {
  console.error(`No release: ${reason}`)
  process.exit(1)
}

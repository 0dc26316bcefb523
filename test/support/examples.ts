import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { writeTree } from './tree'

const root = resolve(__dirname, '../..')

/** The examples of a document: each js block, with the text block that follows it. */
export function examplesOf(file: string): { code: string; output: string }[] {
  const text = readFileSync(resolve(root, file), 'utf8')
  const pattern = /```js\n(.*?)```\n\n(?:[^`]*?```text\n(.*?)```)/gs
  return [...text.matchAll(pattern)].map(([, code = '', output = '']) => ({ code, output }))
}

/** What the examples take for granted. */
export function writeExampleStore(dir: string): void {
  writeTree(dir, {
    'store/@acme+core@1.0.0/package.json': '{ "name": "@acme/core" }',
    'store/@acme+core@1.0.0/index.js': 'exports.core = true',
    'store/@acme+cli@2.1.0/package.json': '{ "name": "@acme/cli" }',
    'store/@acme+cli@2.1.0/index.js': 'exports.cli = true',
    'store/theme-dark/colors.css': 'body { background: black }',
    'store/theme-light/colors.css': 'body { background: white }',
    'store/files/0a1b': '{ "name": "tiny" }',
    'store/files/2c3d': 'exports.tiny = true',
  })
}

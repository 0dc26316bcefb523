import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { writeTree } from '../support/tree'
import { root } from './examples'

/** The packages that the examples of documents take for granted. */
export function writeExampleStore(dir: string): void {
  writeTree(dir, {
    'store/@acme+core@1.0.0/package.json': '{ "name": "@acme/core" }',
    'store/@acme+core@1.0.0/index.js': 'exports.core = true',
    'store/@acme+cli@2.1.0/package.json': '{ "name": "@acme/cli" }',
    'store/@acme+cli@2.1.0/index.js': 'exports.cli = true',
    'store/theme-dark/colors.css': 'body { background: black }',
    'store/theme-light/colors.css': 'body { background: white }',
    'store/module-a/ns/theme/index.js': 'exports.theme = "a"',
    'store/module-a/ns/theme/only-a.js': 'exports.a = true',
    'store/module-a/ns/tools/a.js': 'exports.tool = "a"',
    'store/module-b/ns/theme/index.js': 'exports.theme = "b"',
    'store/module-b/ns/tools/b.js': 'exports.tool = "b"',
    'store/files/0a1b': '{ "name": "tiny" }',
    'store/files/2c3d': 'exports.tiny = true',
    'store/web@1.0.0/index.js': 'exports.web = 1',
    'store/web@1.0.0/lib/polyfill.js': 'exports.fill = true',
    'store/web@2.0.0/index.js': 'exports.web = 2',
    'store/log@1.0.0/index.js': 'exports.log = true',
    'packages/left/index.js': 'exports.left = true',
    'packages/@acme/core/index.js': 'exports.core = true',
    'sources.json': `[
  { "name": "@acme/core@1.0.0", "dir": "store/@acme+core@1.0.0", "to": "@acme/core" },
  { "name": "tiny@1.0.0", "files": { "index.js": "store/files/2c3d" }, "to": "tiny" }
]`,
  })
}

/** A project with these packages, in which reflink-merge is installed. */
export function exampleProject(dir: string): string {
  writeExampleStore(dir)
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(root, join(dir, 'node_modules/reflink-merge'))
  return dir
}

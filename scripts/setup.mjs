// What `npm test`, `npm run demo` and `npm run check` need, right after `git clone` and later: done
// if it is not done yet, with one line for each thing that is. Needs nothing but Node.

import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { root, runStep } from './run.mjs'

export { ensureSystemTools } from './system-tools.mjs'

/** Installs the npm packages that package-lock.json names. */
export function ensureDependencies() {
  if (changed('package-lock.json') <= changed('node_modules/.package-lock.json')) return
  // Without scripts: what they would build is what ensureBuilt() builds.
  runStep('Installing dependencies (npm ci)', 'npm', ['ci', '--ignore-scripts'])
}

/** Compiles the addon (build/Release) and the TypeScript (dist). */
export function ensureBuilt() {
  build(
    'native',
    'addon',
    ['native', 'binding.gyp', 'package-lock.json'],
    'build/Release/reflink_merge.node',
  )
  ensureCompiled()
}

/** Compiles the TypeScript (dist). */
export function ensureCompiled() {
  build(
    'ts',
    'TypeScript',
    [
      'lib',
      'page',
      'scripts/build-dist.mjs',
      'scripts/build-page.mjs',
      'tsconfig.json',
      'tsconfig.build.json',
      'package-lock.json',
    ],
    'dist/index.js',
  )
}

/**
 * @param {string} script
 * @param {string} what
 * @param {readonly string[]} inputs
 * @param {string} output
 */
function build(script, what, inputs, output) {
  if (Math.max(...inputs.map(changed)) < changed(output)) return
  runStep(`Compiling the ${what}`, 'npm', ['run', '--silent', `build:${script}`])
  // make leaves a file alone whose contents would be the same: mark it as looked at.
  const now = new Date()
  utimesSync(join(root, output), now, now)
}

/**
 * When a file, or anything in a directory, last changed (a removal changes the directory); 0 if it
 * is not there.
 * @param {string} path
 * @returns {number}
 */
function changed(path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0
  return Math.max(
    stat.mtimeMs,
    ...readdirSync(join(root, path)).map((name) => changed(join(path, name))),
  )
}

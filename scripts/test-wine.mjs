// npm run test:wine: tests on Windows as wine imitates it: Node for Windows, from npm, with the prebuilt addon for it.
// npm run test:wine -- <file or mocha option>...: other tests.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { failsAsKnown } from './known-failures.mjs'
import { runMocha } from './mocha.mjs'
import { otherNode } from './other-node.mjs'
import { root, runQuietly, runStep } from './run.mjs'
import { ensureDependencies, ensureSystemTools } from './setup.mjs'
import { knownUnderWine } from './wine/known.mjs'

const major = 20
const chosen = process.argv.slice(2)
const tests = [
  ...['host/windows-names', 'host/held-open', 'host/columns', 'host/conformance'],
  ...['binding', 'clone', 'probe', 'bad-input', 'options', 'session'],
].map((name) => `test/${name}.test.js`)

ensureDependencies()
const missing = ensureSystemTools({ wine: true, wine64: true })
if (missing.length > 0) {
  console.error(`test:wine: there is no ${missing.join(', ')}`)
  process.exit(1)
}
if (!existsSync(join(root, 'prebuilds/win32-x64/reflink-merge.node'))) {
  runStep('Compiling win32-x64', 'npm', ['run', '--silent', 'prebuild', '--', 'win32-x64'])
}
const dir = join(root, 'out/wine')
mkdirSync(dir, { recursive: true })
const wine = {
  WINEPREFIX: join(dir, 'prefix'),
  WINEDEBUG: '-all',
  // No .NET, no browser: wine would ask whether to install them.
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
}
if (!existsSync(wine.WINEPREFIX)) {
  console.log('Setting up Windows 10 (wine) …')
  runQuietly('wine', ['wineboot', '--init'], wine)
  if (!runQuietly('wine', ['winecfg', '/v', 'win10'], wine)) process.exit(1)
}
const node = join(dir, 'node')
const log = join(dir, 'log')
const command = `wine "${otherNode('x64', major, 'win')}" "$@"`
// Into a file: of a pipe that is none of wine's own Node makes no stdout.
const lines = ['#!/bin/sh', `${command} >"${log}" 2>&1 </dev/null`, 'status=$?', `cat "${log}"`]
writeFileSync(node, `${[...lines, 'exit $status'].join('\n')}\n`, { mode: 0o755 })

// Imported only now: it needs what was installed.
const { compiledProject } = await import('./wine/project.mjs')
const project = relative(root, await compiledProject(join(dir, 'project')))
const args = [
  '--no-config',
  '--require',
  `./${project}/test/support/hooks.js`,
  '--timeout=20000',
  '--exit',
]
const specs = (chosen.length > 0 ? chosen : tests).map((spec) =>
  spec.startsWith('test/') ? join(project, spec.replace(/\.ts$/, '.js')) : spec,
)
const counts = await runMocha([...args, ...specs], { ...wine, PREBUILDS_ONLY: '1', CI: '' }, node)
if (!failsAsKnown(counts, knownUnderWine, { complete: chosen.length === 0 })) process.exitCode = 1
runQuietly('wineserver', ['--kill'], wine)

// npm run test:wine: tests on Windows as wine imitates it: Node for Windows, from npm, with the prebuilt addon for it.
// npm run test:wine -- <file or mocha option>...: other tests.

import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ensureImitated, runImitated, writeLauncher } from './imitated.mjs'
import { otherNode } from './other-node.mjs'
import { root, runQuietly } from './run.mjs'
import { knownUnderWine } from './wine/known.mjs'

const major = 20
const chosen = process.argv.slice(2)
const tests = [
  ...['host/windows-names', 'host/held-open', 'host/columns', 'host/conformance'],
  ...['binding', 'clone', 'probe', 'bad-input', 'options', 'session'],
].map((name) => `test/${name}.test.js`)

ensureImitated('test:wine', 'win32-x64', { wine: true, wine64: true })
const dir = join(root, 'out/wine')
const node = join(dir, 'node')
const log = join(dir, 'log')
const command = `wine "${otherNode('x64', major, 'win')}" "$@"`
// Into a file: of a pipe that is none of wine's own Node makes no stdout.
writeLauncher(node, [
  `${command} >"${log}" 2>&1 </dev/null`,
  'status=$?',
  `cat "${log}"`,
  'exit $status',
])
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
const complete = chosen.length === 0
const specs = (complete ? tests : chosen).map((spec) =>
  spec.startsWith('test/') ? join(project, spec.replace(/\.ts$/, '.js')) : spec,
)
await runImitated([...args, ...specs], { ...wine, CI: '' }, node, knownUnderWine, { complete })
// It may have ended by itself.
runQuietly('sh', ['-c', 'wineserver --kill || :'], wine)

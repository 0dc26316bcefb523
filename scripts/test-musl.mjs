// npm run test:musl: the prebuilt addon for musl, where no glibc is: in Bun for musl, from npm, under musl's own loader.
// File systems are this machine's.
// npm run test:musl -- <file or mocha option>...: other tests.

import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureImitated, runImitated } from './imitated.mjs'
import { installPinned } from './pinned.mjs'
import { root } from './run.mjs'

const chosen = process.argv.slice(2)
const tests = [
  ...[
    'addon',
    'binding',
    'clone',
    'merge',
    'probe',
    'abort',
    'bad-input',
    'session',
    'session-failures',
  ],
  ...['host/*', 'commit/*', 'stage/*', 'recover/foreign', 'recover/live', 'recover/waiting'],
].map((name) => `test/${name}.test.ts`)
/** @type {readonly import('./known-failures.mjs').KnownFailure[]} */
const known = [
  {
    reason: "Bun's node:fs does not tell that a close failed",
    tests: ['a copy by node:fs on tmpfs that fails at its close'],
  },
  {
    reason: 'Bun closes a descriptor of its own meanwhile: one less than before',
    tests: ['undo closes every descriptor, whatever failed'],
    sometimes: true,
  },
]

ensureImitated('test:musl', 'linux-x64-musl', {
  ...{ musl: true, btrfs: true, xfs: true, exfat: true, exfatFuse: true },
})
// Imported only now: it needs what was installed.
const { ensureZig, runTool, runZig } = await import('./zig.mjs')
const bun = join(root, 'out/musl/node_modules/@oven/bun-linux-x64-musl/bin/bun')
// --force: npm refuses what is for another C library.
if (!existsSync(bun)) installPinned('musl', 'Fetching Bun for musl (npm ci)', ['--force'])

const env = { LIBC: 'musl', LD_LIBRARY_PATH: librariesForMusl() }
tellWhatIsLoaded()
const complete = chosen.length === 0
await runImitated(complete ? tests : chosen, env, bun, known, { complete })

/** Ends the process unless the addon for musl is loaded, by musl, and no glibc is. */
function tellWhatIsLoaded() {
  const code = `
    require('./lib/addon.ts')
    console.log(require('node:fs').readFileSync('/proc/self/maps', 'utf8'))`
  const maps = runTool(bun, ['-e', code], { ...env, PREBUILDS_ONLY: '1' })
  const paths = [...new Set(maps.match(/\/\S+\.(?:so\S*|node)$/gm))]
  const isMusl = (/** @type {string} */ path) => /\/ld-musl-|-musl\/libc\.so$/.test(path)
  const wanted = paths.some((path) => path.endsWith('.musl.node')) && paths.some(isMusl)
  console.log(`${bun} has loaded\n  ${paths.join('\n  ')}`)
  if (wanted && !paths.some((path) => path.endsWith('/libc.so.6'))) return
  console.error('test:musl: that is not musl, or not the addon for it')
  process.exit(1)
}

/**
 * Bun wants a libstdc++ that runs with musl, and Debian has none. Its own one does, since musl does not look at the
 * versions of symbols, and has all that it calls but six functions and variables.
 */
function librariesForMusl() {
  const dir = join(root, 'out/musl/lib')
  mkdirSync(dir, { recursive: true })
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    copyFileSync(join('/usr/lib/x86_64-linux-gnu', name), join(dir, name))
  }
  ensureZig()
  const loader = 'ld-linux-x86-64.so.2'
  const what = ['-shared', '-fPIC', '-O2', '-Wall', `-Wl,-soname,${loader}`]
  const source = join(root, 'scripts/musl/glibc-only.c')
  runZig(['cc', '-target', 'x86_64-linux-musl', ...what, '-o', join(dir, loader), source])
  return dir
}

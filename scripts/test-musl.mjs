// npm run test:musl: the prebuilt addon for musl, where no glibc is: in Bun for musl, from npm, under musl's own loader.
// File systems are this machine's.
// npm run test:musl -- --arm64: less of it on arm64, under qemu-user.
// npm run test:musl -- [--arm64] <file or mocha option>...: other tests.

import { ensureImitated, runImitated, unknownToQemu } from './imitated.mjs'

const [first, ...rest] = process.argv.slice(2)
const isArm64 = first === '--arm64'
const chosen = isArm64 ? rest : process.argv.slice(2)
const onBoth = ['addon', 'binding', 'clone', 'merge', 'host/*']
const tests = [
  ...onBoth,
  ...(isArm64
    ? []
    : [
        ...['probe', 'abort', 'bad-input', 'session', 'session-failures', 'commit/*', 'stage/*'],
        ...['recover/foreign', 'recover/live', 'recover/waiting'],
      ]),
].map((name) => `test/${name}.test.ts`)

/** @type {readonly import('./known-failures.mjs').KnownFailure[]} */
const known = [
  {
    reason: "Bun's node:fs does not tell that a close failed",
    tests: ['a copy by node:fs on tmpfs that fails at its close'],
  },
  ...(isArm64
    ? [
        unknownToQemu,
        {
          reason: "Bun's engine aborts under qemu-user with the test's big texts: mprotect fails",
          tests: ['the addon given garbage'],
        },
      ]
    : [
        {
          reason: 'Bun closes a descriptor of its own meanwhile: one less than before',
          tests: ['undo closes every descriptor, whatever failed'],
          sometimes: true,
        },
      ]),
]

ensureImitated('test:musl', isArm64 ? 'linux-arm64-musl' : 'linux-x64-musl', {
  ...(isArm64
    ? { qemu: true, arm64Libraries: true }
    : { musl: true, exfat: true, exfatFuse: true }),
  ...{ btrfs: true, xfs: true },
})
// Imported only now: they need what was installed.
const { runTool } = await import('./zig.mjs')
const { runtimeForArm64, runtimeForX64 } = await import('./musl/runtimes.mjs')
const { program, env } = isArm64 ? runtimeForArm64() : runtimeForX64()
tellWhatIsLoaded()
const complete = chosen.length === 0
await runImitated(complete ? tests : chosen, env, program, known, { complete })

/** Ends the process unless the addon for musl is loaded, by musl, and no glibc is. */
function tellWhatIsLoaded() {
  const code = `
    require('./lib/addon.ts')
    console.log(require('node:fs').readFileSync('/proc/self/maps', 'utf8'))`
  const maps = runTool(program, ['-e', code], { ...env, PREBUILDS_ONLY: '1' })
  const paths = [...new Set(maps.match(/\/\S+\.(?:so\S*|node)$/gm))]
  const isMusl = (/** @type {string} */ path) => /\/ld-musl-|-musl\/libc\.so$/.test(path)
  const wanted = paths.some((path) => path.endsWith('.musl.node')) && paths.some(isMusl)
  console.log(`${program} has loaded\n  ${paths.join('\n  ')}`)
  if (wanted && !paths.some((path) => path.endsWith('/libc.so.6'))) return
  console.error('test:musl: that is not musl, or not the addon for it')
  process.exit(1)
}

// npm run prebuild: the addon for every platform, into prebuilds/, on one Linux machine (x64); then checks each.
// npm run prebuild -- <name>...: only these, such as linux-x64-musl.

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { prebuilds } from './prebuilds.mjs'
import { root, runStep } from './run.mjs'
import { ensureCompiled, ensureDependencies, ensureSystemTools } from './setup.mjs'

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !prebuilds.some((prebuild) => prebuild.name === name))
if (unknown.length > 0) {
  console.error(`No such prebuild: ${unknown.join(', ')}. There are:`)
  console.error(prebuilds.map(({ name }) => name).join('\n'))
  process.exit(1)
}

ensureDependencies()
// gyp, which reads binding.gyp, is written in it.
ensureSystemTools({ python: true })
// Imported only now: it needs what was installed.
const { ensureZig, out } = await import('./zig.mjs')
ensureZig()

if (chosen.length === 0) rmSync(join(root, 'prebuilds'), { recursive: true, force: true })
for (const prebuild of prebuilds) {
  if (chosen.length === 0 || chosen.includes(prebuild.name)) build(prebuild)
}
// What is checked at last is the package as a whole.
ensureCompiled()
await import('./check-prebuilds.mjs')

/** @param {import('./prebuilds.mjs').Prebuild} prebuild */
function build({ name, platform, arch, libc }) {
  // Not in the project itself, where its build/ would take the place of the one that tests use.
  const cwd = join(out, 'prebuild', name)
  mkdirSync(cwd, { recursive: true })
  const where = ['--name', 'reflink-merge', '--cwd', cwd, '--out', root, '--quiet']
  const what = [
    '--platform',
    platform,
    '--arch',
    arch,
    ...(libc ? ['--libc', libc, '--tag-libc'] : []),
  ]
  const how = ['--node-gyp', join(root, 'scripts/zig/node-gyp.mjs')]
  runStep(`Compiling ${name}`, 'npx', ['prebuildify', ...where, ...what, ...how])
}

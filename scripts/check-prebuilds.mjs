// npm run check:prebuilds: whether each addon in prebuilds/ is what its place says, calls nothing that its platform
// lacks, and is the one that is loaded there; and what the package with all of them weighs.

import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Table from 'cli-table3'
import { checkPrebuild } from './prebuild-checks.mjs'
import { prebuilds } from './prebuilds.mjs'
import { root } from './run.mjs'
import { ensureZig } from './zig.mjs'

const maxTarball = 2_000_000
// What every library calls anyway is not worth a column.
const common = /^(?:node\.exe|lib(?:c|dl|m|pthread)\.so.*|\/usr\/lib\/libSystem\.B\.dylib)$/

ensureZig()
const table = new Table({ head: ['prebuild', 'format', 'needs', 'besides libc', 'calls', 'size'] })
// As `npm run prebuild -- <name>` has them, which makes only these, so that there is no whole package yet.
const chosen = process.argv.slice(2)
const isWhole = chosen.length === 0
const failures = prebuilds.filter(({ name }) => isWhole || chosen.includes(name)).flatMap(check)
console.log(table.toString())
if (isWhole && failures.length === 0) failures.push(...checkTarball())
for (const failure of failures) console.error(failure)
if (failures.length > 0) process.exitCode = 1

/** @param {import('./prebuilds.mjs').Prebuild} prebuild */
function check(prebuild) {
  const { name } = prebuild
  const file = join(root, prebuild.file)
  if (!existsSync(file)) return [`${name}: missing; npm run prebuild makes it`]
  try {
    const { format, needs, libraries, imports } = checkPrebuild(prebuild, file)
    const found = whatIsLoaded(prebuild)
    if (found !== file) throw new Error(`node-gyp-build would load ${found}`)
    const others = libraries.filter((library) => !common.test(library)).join('\n')
    const size = `${(statSync(file).size / 1000).toFixed(0)} kB`
    table.push([name, format, needs, others, imports, size])
    return []
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/**
 * What node-gyp-build takes on the prebuild's platform.
 * @param {import('./prebuilds.mjs').Prebuild} prebuild
 */
function whatIsLoaded({ platform, arch, libc = 'glibc' }) {
  const system = { npm_config_platform: platform, npm_config_arch: arch, LIBC: libc }
  return execFileSync(
    process.execPath,
    ['-p', 'require("node-gyp-build").resolve(process.cwd())'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...system, PREBUILDS_ONLY: '1' },
    },
  ).trim()
}

/** @typedef {{ size: number, unpackedSize: number, files: { path: string }[] }} Packed */

function checkTarball() {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8' })
  /** @type {unknown} */
  const told = JSON.parse(output)
  const [packed] = /** @type {Packed[]} */ (told)
  if (packed === undefined) throw new Error('npm pack told nothing')
  const paths = packed.files.map(({ path }) => path)
  const missing = prebuilds.filter(({ file }) => !paths.includes(file))
  const sizes = `${String(packed.size)} bytes, ${String(packed.unpackedSize)} installed`
  console.log(`the package: ${String(paths.length)} files, ${sizes}`)
  return [
    ...missing.map(({ name }) => `the package lacks ${name}`),
    ...(paths.includes('dist/index.js') ? [] : ['the package lacks dist: npm run build:ts']),
    ...(packed.size > maxTarball ? [`the package has more than ${String(maxTarball)} bytes`] : []),
  ]
}

// dist/: the library and the command line, one JavaScript file each, with the types of the public API.
//
// One file loads in a few ms, where a hundred modules take thirty; and what the command line alone needs is no dependency of
// those who embed the library.

import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root, runStep } from './run.mjs'

const dist = join(root, 'dist')
const declarations = join(root, 'out/types')

for (const dir of [dist, declarations]) rmSync(dir, { recursive: true, force: true })
runStep('Compiling the declarations', 'npx', ['tsc', '-p', 'tsconfig.build.json'])
/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  // Class names are seen in errors and stack traces.
  keepNames: true,
  logLevel: 'warning',
}
// node-gyp-build looks for the addon in the package's directory, and is the library's one dependency.
const external = ['node-gyp-build']
await build({
  ...common,
  entryPoints: { index: 'lib/index.ts', binding: 'lib/binding.ts' },
  external,
  sourcemap: true,
})
// These import the library from the index, so that nothing is loaded twice.
await build({
  ...common,
  entryPoints: { cp: 'lib/cp.ts', pnpm: 'lib/pnpm.ts', 'merge-thread': 'lib/merge-thread.ts' },
  external: ['./index'],
})
const { metafile } = await build({
  ...common,
  // The worker is a process of its own, which `reflink-merge bench` starts.
  entryPoints: { 'cli/main': 'lib/cli/main.ts', 'cli/worker': 'lib/bench/worker.ts' },
  external: [...external, './worker'],
  metafile: true,
})
// All that the public API refers to; test/package/typescript.test.ts compiles against it without skipLibCheck.
for (const name of ['index', 'binding', 'cp', 'pnpm', 'errors', 'merge-error', 'types'])
  copyFileSync(join(declarations, `${name}.d.ts`), join(dist, `${name}.d.ts`))
writeFileSync(join(dist, 'LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)))

await import('./build-page.mjs')

/**
 * The licenses of the packages that are in the bundles.
 * @param {readonly string[]} inputs paths from the root
 */
function licensesOf(inputs) {
  const packages = new Set(
    inputs.flatMap((input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []),
  )
  return [...packages]
    .sort()
    .map((dir) => {
      const name = readdirSync(join(root, dir)).find((file) => /^licen[cs]e/i.test(file))
      if (name === undefined) throw new Error(`${dir} has no license file`)
      const text = readFileSync(join(root, dir, name), 'utf8').trim()
      return `${dir.slice('node_modules/'.length)}\n\n${text}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}

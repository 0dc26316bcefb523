import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../run.mjs'

/** Compiled by itself: the compiler that tests use elsewhere does not run under wine. */
const compiled = ['lib', 'test']
const linked = ['prebuilds', 'package.json', 'tsconfig.json', 'docs', 'schemas', 'README.md']

/**
 * This project as JavaScript, tests included, for a system on which nothing can compile them; gives its directory.
 * @param {string} dir emptied first
 */
export async function compiledProject(dir) {
  rmSync(dir, { recursive: true, force: true })
  const files = compiled.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(root, folder, name),
    ),
  )
  await build({
    entryPoints: files.filter((file) => file.endsWith('.ts')),
    outdir: dir,
    outbase: root,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
  })
  for (const file of files.filter((name) => name.endsWith('.cjs'))) {
    cpSync(file, join(dir, file.slice(root.length)))
  }
  for (const name of linked) symlinkSync(join(root, name), join(dir, name))
  linkPackages(join(dir, 'node_modules'))
  return dir
}

/**
 * All packages, but for tsx: children of tests load it, and there is nothing to compile.
 * @param {string} dir
 */
function linkPackages(dir) {
  mkdirSync(join(dir, 'tsx'), { recursive: true })
  writeFileSync(join(dir, 'tsx/package.json'), '{ "name": "tsx" }')
  writeFileSync(join(dir, 'tsx/cjs.js'), '')
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'tsx') symlinkSync(join(root, 'node_modules', name), join(dir, name))
  }
}

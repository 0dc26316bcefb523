// The page that `reflink-merge bench --html` writes, but for its figures: dist/bench/page.html, with script, styles and the
// chart library inlined, so that it needs no network and installers no more packages.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './run.mjs'

const page = join(root, 'page')

const [script, styles] = await Promise.all([
  bundle(`import ${JSON.stringify(join(page, 'report.ts'))}`, 'ts'),
  bundle(
    `@import 'uplot/dist/uPlot.min.css'; @import ${JSON.stringify(join(page, 'report.css'))};`,
    'css',
  ),
])
const license = readFileSync(join(root, 'node_modules/uplot/LICENSE'), 'utf8').trim()

const html = readFileSync(join(page, 'page.html'), 'utf8')
  .replace('/*styles*/', () => styles)
  .replace('/*script*/', () => script)
  .replace('<body>', () => `<body>\n    <!-- The charts are drawn by uPlot.\n${license}\n-->`)

mkdirSync(join(root, 'dist/bench'), { recursive: true })
writeFileSync(join(root, 'dist/bench/page.html'), html)

/**
 * @param {string} contents
 * @param {'ts' | 'css'} loader
 */
async function bundle(contents, loader) {
  const { outputFiles } = await build({
    stdin: { contents, loader, resolveDir: page },
    ...{ bundle: true, minify: true, write: false, format: 'iife', target: 'es2022' },
    charset: 'utf8',
    logLevel: 'warning',
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error('esbuild made nothing')
  return file.text.trim()
}

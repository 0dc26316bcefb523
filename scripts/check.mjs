// npm run check: everything that judges the code without running it. One failure stops no other.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runQuietly } from './run.mjs'
import { ensureDependencies, ensureSystemTools } from './setup.mjs'

ensureDependencies()
const missing = ensureSystemTools({ clangFormat: true, clangTidy: true, cmake: true })

/** @type {readonly { name: string, needs?: string[], run: () => boolean }[]} */
const checks = [
  { name: 'eslint', run: script('check:eslint') },
  { name: 'prettier', run: script('check:prettier') },
  { name: 'types', run: script('check:types') },
  { name: 'unused', run: script('check:unused') },
  { name: 'package', run: () => script('build:ts')() && script('check:package')() },
  { name: 'workflows', run: script('check:workflows') },
  {
    name: 'clang-format',
    needs: ['clang-format-19'],
    run: () => runQuietly('clang-format-19', ['--dry-run', '-Werror', ...nativeFiles()]),
  },
  {
    name: 'clang-tidy',
    needs: ['cmake', 'run-clang-tidy-19'],
    // Configuring alone writes out/debug/compile_commands.json.
    run: () =>
      script('configure:debug')() && runQuietly('run-clang-tidy-19', ['-quiet', '-p', 'out/debug']),
  },
]

const failed = checks.filter((check) => !passes(check)).map(({ name }) => name)
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

/** @param {typeof checks[number]} check */
function passes({ name, needs = [], run }) {
  const lacking = needs.filter((program) => missing.includes(program))
  if (lacking.length > 0) {
    console.log(`${name}: not run, there is no ${lacking.join(', ')}`)
    return process.env.CI !== 'true'
  }
  const start = performance.now()
  const passed = run()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${name}: ${passed ? 'ok' : 'FAILED'} (${seconds} s)`)
  return passed
}

/** @param {string} name */
function script(name) {
  return () => runQuietly('npm', ['run', '--silent', name])
}

function nativeFiles() {
  return ['native', 'test'].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:c|cc|h)$/.test(name))
      .map((name) => join(dir, name)),
  )
}

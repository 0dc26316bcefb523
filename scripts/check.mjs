// npm run check: everything that judges the code without running it, side by side. One failure stops no other.
// npm run check -- eslint types: these alone.
// What a check found is kept in out/check, so that the next run looks at what has changed only.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { inTurn } from './in-turn.mjs'
import { root, startQuietly } from './run.mjs'
import { ensureDependencies, ensureSystemTools } from './setup.mjs'

/** @typedef {{ name: string, needs?: string[], run: () => Promise<boolean> }} Check */

/**
 * The longest first, so that none of them is left to run alone at the end.
 * @type {readonly Check[]}
 */
const checks = [
  { name: 'clang-tidy', needs: ['cmake', 'clang-tidy-19'], run: clangTidy },
  { name: 'eslint', run: script('check:eslint') },
  { name: 'types', run: script('check:types') },
  { name: 'prettier', run: script('check:prettier') },
  { name: 'unused', run: script('check:unused') },
  // It packs dist, which the build has to leave alone meanwhile.
  { name: 'package', run: async () => (await script('build:ts')()) && script('check:package')() },
  { name: 'docs', run: script('check:docs') },
  { name: 'workflows', run: script('check:workflows') },
  {
    name: 'clang-format',
    needs: ['clang-format-19'],
    run: () => startQuietly('clang-format-19', ['--dry-run', '-Werror', ...nativeFiles()]),
  },
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name))
if (unknown.length > 0) {
  const names = checks.map(({ name }) => name).join(', ')
  console.error(`check: there is no ${unknown.join(', ')}, but ${names}`)
  process.exit(2)
}
const chosen = checks.filter(({ name }) => wanted.length === 0 || wanted.includes(name))

ensureDependencies()
const missing = chosen.some(({ needs }) => needs)
  ? ensureSystemTools({ clangFormat: true, clangTidy: true, cmake: true })
  : []
const kept = join(root, 'out/check')
mkdirSync(kept, { recursive: true })

const passed = await inTurn(chosen, availableParallelism(), passes)
const failed = chosen.filter((_, index) => passed[index] !== true).map(({ name }) => name)
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

/** @param {Check} check */
async function passes({ name, needs = [], run }) {
  const lacking = needs.filter((program) => missing.includes(program))
  if (lacking.length > 0) {
    console.log(`${name}: not run, there is no ${lacking.join(', ')}`)
    return process.env.CI !== 'true'
  }
  const start = performance.now()
  const passed = await run()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${name}: ${passed ? 'ok' : 'FAILED'} (${seconds} s)`)
  return passed
}

/** @param {string} name */
function script(name) {
  return () => startQuietly('npm', ['run', '--silent', name])
}

/** Each file in a process of its own, unless neither it nor what it includes has changed since it passed. */
async function clangTidy() {
  // Configuring alone writes out/debug/compile_commands.json.
  if (!(await script('configure:debug')())) return false
  const headers = nativeFiles().filter((name) => name.endsWith('.h'))
  const shared = ['.clang-tidy', 'CMakeLists.txt', 'package-lock.json', 'scripts/check.mjs']
  const before = readStamps()
  /** @type {Record<string, string>} */
  const after = {}
  const judge = async (/** @type {string} */ file) => {
    const stamp = stampOf([...withIncluded(file, headers), ...shared])
    const isUnchanged = before[file] === stamp
    const args = ['-quiet', '-p', 'out/debug', ...shortPaths(file), file]
    if (!isUnchanged && !(await startQuietly('clang-tidy-19', args))) return false
    after[file] = stamp
    // At once: a run that is interrupted has not worked in vain.
    writeFileSync(join(kept, 'clang-tidy.json'), JSON.stringify({ ...before, ...after }))
    return true
  }
  // Beside other checks until these have ended; then they are all that is left.
  const verdicts = await inTurn(compiledFiles(), availableParallelism(), judge)
  writeFileSync(join(kept, 'clang-tidy.json'), JSON.stringify(after))
  return verdicts.every(Boolean)
}

/**
 * Where node-addon-api is included, four fifths of the time would go into following paths through its headers, in which nothing
 * of ours is found: there the analyzer gives up early. What makes system calls does not include it.
 * @param {string} file
 */
function shortPaths(file) {
  if (!/(?:^|\/)addon[^/]*\.cc$/.test(file)) return []
  return ['-analyzer-config', 'max-nodes=5000'].flatMap((arg) => [
    '-extra-arg=-Xclang',
    `-extra-arg=${arg}`,
  ])
}

/**
 * A file and the headers of ours that it includes, directly or not.
 * @param {string} file
 * @param {readonly string[]} headers
 */
function withIncluded(file, headers) {
  const found = new Set([file])
  for (const each of found) {
    for (const [, path = ''] of readFileSync(join(root, each), 'utf8').matchAll(
      /^#include "([^"]+)"/gm,
    )) {
      const name = basename(path)
      for (const header of headers) if (basename(header) === name) found.add(header)
    }
  }
  return [...found].sort()
}

/** @returns {Record<string, string>} of the last run: by file, the stamp that passed */
function readStamps() {
  try {
    /** @type {unknown} */
    const stamps = JSON.parse(readFileSync(join(kept, 'clang-tidy.json'), 'utf8'))
    return /** @type {Record<string, string>} */ (stamps)
  } catch {
    return {}
  }
}

/** @param {readonly string[]} files */
function stampOf(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** What out/debug/compile_commands.json names. */
function compiledFiles() {
  /** @type {unknown} */
  const commands = JSON.parse(readFileSync(join(root, 'out/debug/compile_commands.json'), 'utf8'))
  return /** @type {{ file: string }[]} */ (commands).map(({ file }) =>
    file.slice(root.length).replace(/^\//, ''),
  )
}

function nativeFiles() {
  return ['native', 'test'].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:c|cc|h)$/.test(name))
      .map((name) => join(dir, name)),
  )
}

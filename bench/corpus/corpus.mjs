// The corpus: a thousand real npm packages at the versions of package-lock.json, for the demo, the tests and the benchmark.
// npm installs it on demand; a store holds each package once, in a directory of its own, as the stores of installers do.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {object} Package
 * @property {string} name name and version, e.g. `@babel/core@7.29.13`; npm puts some of them in several places
 * @property {string} dir where npm installed it, absolute
 * @property {string} to its place below node_modules, e.g. `@babel/core` or `a/node_modules/b`
 */

/** @typedef {{ name: string, dir: string, to: string }} StoreSource a source as `merge()` takes it */

/**
 * @typedef {object} Counts what a tree holds
 * @property {number} files regular files
 * @property {number} directories without the root
 * @property {number} symlinks
 * @property {number} bytes sum of the files' sizes
 */

/** @typedef {{ packages: Record<string, { name?: string, version: string, optional?: boolean }> }} Lockfile */

const root = import.meta.dirname
const lockfile = join(root, 'package-lock.json')
const modules = join(root, 'node_modules')
// npm empties node_modules before it installs: if it is interrupted, the stamp is missing.
const stamp = join(modules, '.corpus')

/**
 * Installs the corpus, unless it is there already in the lockfile's versions.
 * @returns {Package[]} in the lockfile's order
 * @throws {Error} if npm fails
 */
export function ensureCorpus() {
  const text = readFileSync(lockfile, 'utf8')
  const digest = createHash('sha256').update(text).digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
    process.stderr.write(
      'Installing the corpus with npm (a thousand packages: takes a minute or two, once) …\n',
    )
    install()
    writeFileSync(stamp, digest)
  }
  return listPackages(text)
}

function install() {
  // Said here as well as in .npmrc: variables that an outer npm run sets would win over that file.
  const options = [
    '--ignore-scripts',
    '--omit=optional',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
  ]
  const { status, signal, error } = spawnSync('npm', ['ci', ...options], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32', // npm is a .cmd file there
  })
  if (error) throw error
  if (status !== 0)
    throw new Error(`npm ci failed in ${root} (${signal ?? `exit code ${String(status)}`})`)
}

/**
 * @param {string} text
 * @returns {Package[]}
 */
function listPackages(text) {
  const lock = /** @type {Lockfile} */ (JSON.parse(text))
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.optional)
    .map(([path, entry]) => {
      const name =
        entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return {
        name: `${name}@${entry.version}`,
        dir: join(root, path),
        to: path.slice('node_modules/'.length),
      }
    })
}

/**
 * Copies each package once, without the packages that npm nested in it, to `<storeDir>/<name@version>`, with `+` for the
 * `/` of a scope. What is there already stays, so a second call only counts.
 * @param {readonly Package[]} packages
 * @param {string} storeDir made if it is missing
 * @returns {{ sources: StoreSource[], merged: Counts, stored: Counts }} a source for each package, under a name of its own;
 *   what a merge of all sources writes, but for the directories that lead to a package; and what the store holds, where a
 *   package that has two places counts once
 */
export function makeStore(packages, storeDir) {
  mkdirSync(storeDir, { recursive: true })
  /** @type {Map<string, Counts>} */
  const counts = new Map()
  const merged = noCounts()
  const sources = packages.map(({ name, dir, to }) => {
    const stored = join(storeDir, name.replaceAll('/', '+'))
    const again = counts.has(name)
    const count = counts.get(name) ?? storePackage(dir, stored)
    counts.set(name, count)
    add(merged, count)
    return { name: again ? `${name} (${to})` : name, dir: stored, to }
  })
  const stored = noCounts()
  for (const count of counts.values()) add(stored, count)
  return { sources, merged, stored }
}

/**
 * @param {string} dir
 * @param {string} stored
 */
function storePackage(dir, stored) {
  if (!existsSync(stored)) {
    const part = `${stored}.part`
    rmSync(part, { recursive: true, force: true })
    const nested = join(dir, 'node_modules')
    cpSync(dir, part, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => path !== nested,
    })
    renameSync(part, stored)
  }
  return countTree(stored)
}

/**
 * Counts what lies below a directory.
 * @param {string} dir
 * @returns {Counts}
 */
export function countTree(dir) {
  const counts = noCounts()
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) {
      counts.directories++
      add(counts, countTree(path))
    } else if (entry.isSymbolicLink()) {
      counts.symlinks++
    } else {
      counts.files++
      counts.bytes += lstatSync(path).size
    }
  }
  return counts
}

/** @returns {Counts} */
function noCounts() {
  return { files: 0, directories: 0, symlinks: 0, bytes: 0 }
}

/**
 * @param {Counts} sum
 * @param {Counts} counts
 */
function add(sum, counts) {
  sum.files += counts.files
  sum.directories += counts.directories
  sum.symlinks += counts.symlinks
  sum.bytes += counts.bytes
}

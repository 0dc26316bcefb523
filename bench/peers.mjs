import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../scripts/run.mjs'
import { parseJson } from './json.mjs'

// Below out/, so that what looks through the sources does not meet them.
const modules = (/** @type {'peers' | 'node22'} */ of) =>
  join(root, 'out/bench', of, 'node_modules')
const require = createRequire(join(modules('peers'), 'anybody.js'))

/** The Node that @pnpm/fs.indexed-pkg-importer and @openclaw/fs-safe run on: this one if it is new enough. */
export const newerNode = isNewEnough()
  ? process.execPath
  : join(modules('node22'), `node-linux-${process.arch}/bin/node`)

function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 13)
}

/** Installs the peers, and a newer Node for them if this one is too old, at the versions of their lockfiles. */
export function ensurePeers() {
  if (newerNode !== process.execPath) ensureInstalled('node22')
  ensureInstalled('peers')
}

/** @param {'peers' | 'node22'} name */
function ensureInstalled(name) {
  const source = join(root, 'bench', name)
  const target = dirname(modules(name))
  // Written last: without it an earlier installation was interrupted.
  const stamp = join(modules(name), '.installed')
  const lock = readFileSync(join(source, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  console.error(`Installing bench/${name} with npm (once) …`)
  mkdirSync(target, { recursive: true })
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(join(source, file), join(target, file))
  const { status, signal, error } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'],
    {
      cwd: target,
      // By the Node that will run them: npm leaves out optional packages, such as a peer's addon, that want a newer one.
      env: { ...process.env, PATH: dirname(newerNode) + delimiter + (process.env.PATH ?? '') },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  if (error) throw error
  if (status !== 0)
    throw new Error(`npm ci failed in ${target} (${signal ?? `exit code ${String(status)}`})`)
  writeFileSync(stamp, lock)
}

/**
 * @param {string} name
 * @returns {Promise<unknown>} what the peer exports
 */
export function importPeer(name) {
  return import(pathToFileURL(require.resolve(name)).href)
}

/** @returns {Record<string, string>} each peer's version, as bench/peers/package.json has it */
export function peerVersions() {
  const text = readFileSync(join(root, 'bench/peers/package.json'), 'utf8')
  const { dependencies } = /** @type {{ dependencies: Record<string, string> }} */ (parseJson(text))
  return dependencies
}

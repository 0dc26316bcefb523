import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { constants, freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../run.mjs'
import { ensureSystemTools } from '../setup.mjs'

const GiB = 2 ** 30
// The store and one copy of it, names and inodes, and room to breathe; the image is sparse and takes what it needs.
const needed = 2 * GiB
const imageSize = 4 * GiB

/**
 * @typedef {object} Place
 * @property {string} dir an empty directory
 * @property {string} what for the reader, such as "a Btrfs volume in memory"
 * @property {boolean} inMemory
 * @property {string | null} lacking why it is not a Btrfs volume of its own
 */

/**
 * Where the demo happens: a Btrfs volume in a file, where the machine lets us make one, else the project's own file
 * system. It is gone when the process ends, however that comes about (but for SIGKILL).
 * @returns {Place}
 */
export function makePlace() {
  const lacking = whyNoVolume()
  if (lacking !== null) return ordinaryPlace(lacking)
  const inMemory = hasRoom('/dev/shm') && freemem() > 2 * needed
  const parent = inMemory ? '/dev/shm' : tmpdir()
  if (!hasRoom(parent)) return ordinaryPlace(`${parent} has no room for a volume`)
  return volume(parent, inMemory)
}

function whyNoVolume() {
  if (process.platform !== 'linux') return 'making a Btrfs volume takes Linux'
  if (process.getuid?.() !== 0) return 'making a Btrfs volume takes root'
  const missing = ensureSystemTools({ btrfs: true })
  return missing.length > 0 ? `${missing.join(', ')} is not installed` : null
}

/**
 * @param {string} parent
 * @param {boolean} inMemory
 * @returns {Place}
 */
function volume(parent, inMemory) {
  const own = mkdtempSync(join(parent, 'reflink-merge-demo-'))
  const image = join(own, 'image')
  const dir = join(own, 'volume')
  atExit(() => {
    // A merge that was interrupted may still hold it: then it goes with the process.
    if (run('umount', [dir]) !== null) run('umount', ['-l', dir])
    rmSync(own, { recursive: true, force: true })
  })
  mkdirSync(dir)
  writeFileSync(image, '')
  truncateSync(image, imageSize)
  const failure =
    // One copy of the metadata: mkfs would keep two, and the demo counts what is on disk.
    run('mkfs.btrfs', ['-q', '-m', 'single', image]) ??
    run('mount', ['-t', 'btrfs', '-o', 'loop', image, dir])
  if (failure !== null) return ordinaryPlace(failure)
  return {
    dir,
    what: `a Btrfs volume in a file ${inMemory ? 'in memory' : `in ${parent}`}`,
    inMemory,
    lacking: null,
  }
}

/**
 * @param {string} lacking
 * @returns {Place}
 */
function ordinaryPlace(lacking) {
  const out = join(root, 'out')
  mkdirSync(out, { recursive: true })
  if (!hasRoom(out)) throw new Error(`The demo needs ${String(needed / GiB)} GiB free in ${out}`)
  const dir = mkdtempSync(join(out, 'demo-'))
  atExit(() => {
    console.error('Removing what the demo made …')
    rmSync(dir, { recursive: true, force: true })
  })
  return { dir, what: "the project's own file system", inMemory: false, lacking }
}

/** @param {string} dir */
function hasRoom(dir) {
  try {
    const { bavail, bsize } = statfsSync(dir)
    return bavail * bsize > needed
  } catch {
    return false
  }
}

/** @param {() => void} cleanUp */
function atExit(cleanUp) {
  process.once('exit', cleanUp)
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {string | null} what it complained about
 */
function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (error) return error.message
  return status === 0 ? null : stderr.replace(/\.?\n[^]*/, '')
}

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * @typedef {[path: string, file: string, size: number, mode: number]} StoredFile
 * `path` in the package; `file` in the store, relative to its `files`
 */

/**
 * A content-addressed store that any number of projects and processes share:
 *
 * - `files/<2 digits>/<62 digits>`: each file once, by the SHA-256 of its bytes; `-755` follows where its mode is not 644
 * - `packages/<2 digits>/<62 digits>.json`: a `StoredFile[]`, by the SHA-256 of the package's integrity
 * - `tmp/<process id>/`: what is being unpacked
 *
 * Whatever has its final name is complete, since it gets that by a link or a rename, and a package is written after its files.
 */
export class Store {
  #count = 0
  #own

  /** @param {string} dir absolute */
  constructor(dir) {
    this.dir = dir
    this.files = join(dir, 'files')
    this.#own = join(dir, 'tmp', String(process.pid))
  }

  /** Makes its directories, and removes what processes that were killed have left. */
  open() {
    mkdirSync(join(this.dir, 'tmp'), { recursive: true })
    for (const pid of readdirSync(join(this.dir, 'tmp'))) {
      if (!runs(Number(pid))) rmSync(join(this.dir, 'tmp', pid), { recursive: true, force: true })
    }
  }

  /** @returns {string} a new path for what is not complete yet */
  temporary() {
    if (this.#count === 0) mkdirSync(this.#own, { recursive: true })
    return join(this.#own, String(this.#count++))
  }

  /** Removes what is not complete. */
  close() {
    rmSync(this.#own, { recursive: true, force: true, maxRetries: 3 })
  }

  /**
   * @param {string} integrity
   * @returns {StoredFile[] | undefined} what the package holds, if it is there
   */
  read(integrity) {
    try {
      /** @type {unknown} */
      const files = JSON.parse(readFileSync(this.#indexOf(integrity), 'utf8'))
      return /** @type {StoredFile[]} */ (files)
    } catch {
      // Missing, or cut off in a power cut: it is fetched again.
      return undefined
    }
  }

  /**
   * @param {string} integrity
   * @param {readonly StoredFile[]} files all of them are in the store
   */
  async write(integrity, files) {
    const temporary = this.temporary()
    await writeFile(temporary, JSON.stringify(files))
    await moveTo(this.#indexOf(integrity), (path) => rename(temporary, path))
  }

  /** @param {string} integrity of a package that is to be fetched again */
  async forget(integrity) {
    await rm(this.#indexOf(integrity), { force: true })
  }

  /**
   * Takes a file in.
   * @param {string} path on the store's volume
   * @param {Buffer} bytes what it holds
   * @param {number} mode its permission bits
   * @returns {Promise<string>} its path relative to `files`
   */
  async take(path, bytes, mode) {
    const suffix = mode === 0o644 ? '' : `-${mode.toString(8)}`
    const file = split(createHash('sha256').update(bytes).digest('hex')) + suffix
    try {
      // Unlike a rename it does not replace the file that is there, which others may have links to.
      await moveTo(join(this.files, file), (to) => link(path, to))
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    return file
  }

  /** @param {string} integrity */
  #indexOf(integrity) {
    const name = split(createHash('sha256').update(integrity).digest('hex'))
    return join(this.dir, 'packages', `${name}.json`)
  }
}

/** @param {string} hash */
function split(hash) {
  return `${hash.slice(0, 2)}/${hash.slice(2)}`
}

/**
 * @param {string} path
 * @param {(path: string) => Promise<void>} move
 */
async function moveTo(path, move) {
  try {
    await move(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(join(path, '..'), { recursive: true })
    await move(path)
  }
}

/** @param {number} pid */
function runs(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code
}

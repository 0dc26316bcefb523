import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { SameName } from './model-tree'

/** A file system to merge into, and what was observed there with plain node:fs. */
export interface Lab {
  /** A new empty directory on it. */
  readonly fresh: () => string
  readonly sameName: SameName
  /** The mode that everything has there, whatever it is given; undefined: its own. */
  readonly fixedMode: number | undefined
  /** The mode that the umask leaves a directory. */
  readonly directoryMode: number
}

/** `names`: those whose likeness may matter. */
export function observe(fresh: () => string, names: readonly string[]): Lab {
  const dir = fresh()
  const made = path.join(dir, 'directory')
  fs.mkdirSync(made)
  return {
    fresh,
    sameName: sameNames(dir, names),
    fixedMode: fixedMode(dir),
    directoryMode: modeOf(made),
  }
}

/** Tries each pair, both ways, in a directory of its own. */
function sameNames(dir: string, names: readonly string[]): SameName {
  const same = new Set<string>()
  for (const made of names) {
    for (const other of names) {
      const room = fs.mkdtempSync(path.join(dir, 'pair-'))
      fs.writeFileSync(path.join(room, made), '')
      if (fs.existsSync(path.join(room, other))) same.add(`${made}/${other}`)
    }
  }
  const tried = new Set(names)
  const sameName: SameName = (a, b) => {
    assert.ok(tried.has(a) && tried.has(b), `never tried: ${a}, ${b}`)
    return same.has(`${a}/${b}`)
  }
  assertEquivalence(sameName, names)
  return sameName
}

function assertEquivalence(same: SameName, names: readonly string[]): void {
  for (const a of names) {
    assert.ok(same(a, a))
    for (const b of names.filter((name) => same(a, name))) {
      for (const c of names) assert.equal(same(b, c), same(a, c), `${a}, ${b}, ${c}`)
    }
  }
}

function fixedMode(dir: string): number | undefined {
  const modes = [0o600, 0o755].map((mode) => {
    const file = path.join(dir, mode.toString(8))
    fs.writeFileSync(file, '')
    fs.chmodSync(file, mode)
    return modeOf(file)
  })
  return modes[0] === modes[1] ? modes[0] : undefined
}

function modeOf(file: string): number {
  return fs.statSync(file).mode & 0o777
}

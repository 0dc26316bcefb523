import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root, runStep } from '../scripts/run.mjs'

const out = join(root, 'out/bench')

/** The floor (floor.cc): what its mode, threads and dest mean is said there. */
export const floor = join(out, 'floor')
/** Runs a command and measures it from outside (timed.cc). */
export const timed = join(out, 'timed')

/** Compiles both, where the source is younger. */
export function ensurePrograms() {
  mkdirSync(out, { recursive: true })
  for (const [name, program] of [
    ['floor', floor],
    ['timed', timed],
  ]) {
    const source = join(root, `bench/${String(name)}.cc`)
    if (changed(String(program)) > changed(source)) continue
    runStep(`Compiling ${String(name)}`, 'g++', [
      ...['-O2', '-std=c++17', '-pthread', source, '-o', String(program)],
    ])
  }
}

/** @param {string} path */
function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

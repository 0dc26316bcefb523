import fs from 'node:fs'

import { snapshot } from './snapshot'

const nobody = 65534

/** Gives a directory and all in it to `asNobody()`. */
export function giveToNobody(dir: string): string {
  const below = snapshot(dir, { contents: false }).map((entry) => entry.path)
  for (const name of ['', ...below]) fs.lchownSync(`${dir}/${name}`, nobody, nobody)
  return dir
}

/** Runs `work` with the rights of a user without any, whom permission bits bind; needs root. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.setegid?.(nobody)
  process.seteuid?.(nobody)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

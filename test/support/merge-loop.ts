import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { merge } from '../../lib/index'
import type { LinkMode, MergeOptions } from '../../lib/index'
import { startNode } from './child'
import { randomFrom } from './random'
import { writeTree } from './tree'
import type { TreeNode, TreeSpec } from './tree'

/** Merges one version after the other, each into a dest that is there and into one that is not. */
export interface LoopOrder {
  readonly base: string
  readonly seed: number
  readonly linkMode: LinkMode
}

/** How many versions were merged for good, as far as the child told. */
export interface Told {
  readonly dest: number
  readonly whole: number
}

export interface MergeLoop {
  /** It has the library and begins. */
  readonly ready: Promise<void>
  told(): Told
  /** What it wrote to stderr, once it is gone. */
  complaint(): string | undefined
  /** Kills it, and waits until it is gone. */
  end(): Promise<void>
}

/** The dest into which every version goes. */
export function destOf(base: string): string {
  return path.join(base, 'dest')
}

/** The dest of one version alone, two levels below what is there. */
export function wholeOf(base: string, version: number): string {
  return path.join(base, 'whole', String(version), 'deep')
}

/** What one version has: files that all have, with bytes and modes of its own, and some that it alone has. */
export function versionOf(seed: number, version: number): TreeSpec {
  const random = randomFrom(seed + version)
  const spec: Record<string, TreeNode> = {}
  const file = (name: string): void => {
    const data = random.bytes(1 + random.below(2 ** (4 + random.below(12))))
    spec[name] = { data, mode: random.pick([0o644, 0o755, 0o444, 0o600]) }
  }
  for (let index = 0; index < 12; index++) file(`shared/${String(index % 3)}/file-${String(index)}`)
  file(`shared/of-${String(version)}`)
  file(`only-${String(version)}/file`)
  file(`only-${String(version)}/below/file`)
  spec[`only-${String(version)}/link`] = { symlink: 'below/file' }
  return spec
}

/** What dest has once this version is merged. */
export function stateOf(seed: number, version: number): TreeSpec {
  const versions = Array.from({ length: version }, (_, index) => versionOf(seed, index + 1))
  return Object.assign({}, ...versions) as TreeSpec
}

/** Starts it in another process. */
export function startMergeLoop(order: LoopOrder): MergeLoop {
  const child = startNode([__filename], { input: JSON.stringify(order) })
  let text = ''
  let complaint: string | undefined
  child.process.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const done = child.done.then(({ stderr }) => {
    complaint = stderr
  })
  const count = (what: string): number => text.split(`${what}\n`).length - 1
  const untilReady = async (): Promise<void> => {
    while (count('ready') === 0) {
      if (complaint !== undefined) throw new Error(complaint)
      await sleep(2)
    }
  }
  return {
    ready: untilReady(),
    told: () => ({ dest: count('dest'), whole: count('whole') }),
    complaint: () => complaint,
    async end() {
      child.kill()
      await done
    },
  }
}

async function main(): Promise<void> {
  const { base, seed, linkMode } = JSON.parse(fs.readFileSync(0, 'utf8')) as LoopOrder
  const options: MergeOptions = {
    ...{ durability: 'full', existing: 'replace', linkModes: [linkMode] },
  }
  const tell = (what: string): void => {
    fs.writeSync(1, `${what}\n`)
  }
  tell('ready')
  for (let version = 1; ; version++) {
    const dir = writeTree(path.join(base, 'store', String(version)), versionOf(seed, version))
    const source = { name: `version-${String(version)}`, dir }
    await merge([source], destOf(base), options)
    tell('dest')
    await merge([source], wholeOf(base, version), options)
    tell('whole')
  }
}

if (require.main === module) void main()

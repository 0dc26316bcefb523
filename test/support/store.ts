import path from 'node:path'

import { randomFrom } from './random'
import type { Random } from './random'
import { writeTree } from './tree'
import type { TreeNode, TreeSpec } from './tree'

/** A package that was written to disk: fits `merge()`'s sources as it is. */
export interface StoredPackage {
  name: string
  dir: string
  to?: string
}

export interface Store {
  packages: StoredPackage[]
  /** What merging them all into one directory must give; for writeTree. */
  union: TreeSpec
}

/**
 * Writes `count` packages that share namespace directories three levels deep and no file, so that all of them make
 * the same directories at once: `ns/<0..3>/<0..1>/pkg-7.js`, `ns/<0..3>/<0..1>/pkg-7/lib/…`, and one directory of their own.
 */
export function namespaceStore(dir: string, count: number): Store {
  const packages: StoredPackage[] = []
  const union: Record<string, TreeNode> = {}
  for (let index = 0; index < count; index++) {
    const name = `pkg-${String(index)}`
    const spec = namespacePackage(name)
    packages.push({ name, dir: writeTree(path.join(dir, name), spec) })
    Object.assign(union, spec)
  }
  return { packages, union }
}

function namespacePackage(name: string): TreeSpec {
  const spec: Record<string, TreeNode> = {
    [`${name}/package.json`]: JSON.stringify({ name, version: '1.0.0' }),
    [`${name}/bin/run`]: { data: `#!/bin/sh\necho ${name}\n`, mode: 0o755 },
  }
  for (const outer of ['0', '1', '2', '3'])
    for (const inner of ['0', '1']) {
      const shared = `ns/${outer}/${inner}`
      spec[`${shared}/${name}.js`] = `exports.name = '${name} ${shared}'\n`
      spec[`${shared}/${name}/lib/large.bin`] = Buffer.alloc(9000, `${name} ${shared} `)
      spec[`${shared}/${name}/empty/`] = {}
    }
  return spec
}

/**
 * Writes `count` npm-like packages of about `files` files each, decided by the seed: a third are scoped and share
 * their scope's directory, sizes range from 0 to some 100 KiB. `to` is the place in a node_modules.
 */
export function packageStore(
  dir: string,
  { seed, count, files = 20 }: { seed: number; count: number; files?: number },
): Store {
  const random = randomFrom(seed)
  const packages: StoredPackage[] = []
  const union: Record<string, TreeNode> = {}
  for (let index = 0; index < count; index++) {
    const plain = `package-${String(index)}`
    const name = random.below(3) === 0 ? `@scope-${String(random.below(4))}/${plain}` : plain
    const spec = packageTree(random.below(2 ** 32), files)
    packages.push({ name, dir: writeTree(path.join(dir, plain), spec), to: name })
    for (const [entry, node] of Object.entries(spec)) union[`${name}/${entry}`] = node
  }
  return { packages, union }
}

/** A package-like tree that the seed decides: executables, links, empty directories, odd names and sizes in it. */
export function packageTree(seed: number, files = 20): TreeSpec {
  const random = randomFrom(seed)
  const spec: Record<string, TreeNode> = {
    'package.json': JSON.stringify({ name: `seed-${String(seed)}`, version: '1.0.0' }),
    '.hidden/.npmignore': 'test\n',
    'bin/cli': { data: `#!/usr/bin/env node\n// ${String(seed)}\n`, mode: 0o755 },
    'bin/alias': { symlink: 'cli' },
    'empty/nested/': {},
    'lib/zero.js': '',
    'lib/with space, ümlaut and 漢字.js': 'module.exports = 1\n',
  }
  for (let index = Object.keys(spec).length; index < files; index++) {
    const name = `file-${String(index)}${random.pick(['.js', '.d.ts', '.json', '.map', ''])}`
    spec[`${randomDir(random)}${name}`] = {
      data: random.bytes(randomSize(random)),
      mode: random.pick([0o644, 0o644, 0o644, 0o755, 0o444, 0o600]),
    }
  }
  return spec
}

function randomDir(random: Random): string {
  const depth = random.below(4)
  return Array.from({ length: depth }, () => `${random.pick(['lib', 'dist', 'src', 'esm'])}/`).join(
    '',
  )
}

/** Evenly over the powers of two up to 128 KiB: most files small, some inline on Btrfs, a few of many blocks. */
function randomSize(random: Random): number {
  return random.below(2 ** (3 + random.below(15)))
}

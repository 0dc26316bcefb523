import fs from 'node:fs'
import path from 'node:path'

import { runToolSync } from './tool'

export type TreeNode =
  | string
  | Uint8Array
  | { data?: string | Uint8Array; mode?: number }
  | { symlink: string }
  | { hardlink: string }
  | { fifo: true; mode?: number }
  | { dir: true; mode?: number }

/**
 * '/'-separated path → what stands there. A path that ends in '/' is a directory (its value may be `{}` or have a
 * mode); directories above others need not be named. Modes do not depend on the umask: files 0644, directories 0755.
 */
export type TreeSpec = Readonly<Record<string, TreeNode>>

/**
 * Writes the tree into `dir`, which is made if need be; gives `dir`.
 * Directories may be there already and keep their mode; anything else must not.
 */
export function writeTree(dir: string, spec: TreeSpec): string {
  const modes = new Map<string, number>([['', 0o755]])
  const links: (() => void)[] = []
  fs.mkdirSync(dir, { recursive: true })
  for (const [name, node] of Object.entries(spec)) {
    const isDir = name.endsWith('/') || isDirNode(node)
    const entry = isDir ? name.replace(/\/+$/, '') : name
    makeParents(dir, entry, modes)
    const target = path.join(dir, entry)
    if (isDir) {
      fs.mkdirSync(target, { recursive: true })
      modes.set(entry, modeOf(node) ?? 0o755)
    } else if (typeof node === 'object' && 'hardlink' in node) {
      links.push(() => {
        fs.linkSync(path.join(dir, node.hardlink), target)
      })
    } else writeNode(target, node)
  }
  for (const link of links) link()
  // Last and deepest first: a directory may take away the permission to write or enter it.
  modes.delete('')
  for (const [name, mode] of [...modes].sort(([a], [b]) => b.length - a.length))
    fs.chmodSync(path.join(dir, name), mode)
  return dir
}

function isDirNode(node: TreeNode): boolean {
  return typeof node === 'object' && 'dir' in node
}

function modeOf(node: TreeNode): number | undefined {
  return typeof node === 'object' && 'mode' in node ? node.mode : undefined
}

function makeParents(dir: string, name: string, modes: Map<string, number>): void {
  const parent = name.slice(0, Math.max(0, name.lastIndexOf('/')))
  if (modes.has(parent)) return
  makeParents(dir, parent, modes)
  const isNew = fs.mkdirSync(path.join(dir, parent), { recursive: true }) !== undefined
  if (isNew) modes.set(parent, 0o755)
}

function writeNode(target: string, node: TreeNode): void {
  if (typeof node === 'object' && 'symlink' in node) {
    fs.symlinkSync(node.symlink, target)
    return
  }
  if (typeof node === 'object' && 'fifo' in node) makeFifo(target)
  else fs.writeFileSync(target, dataOf(node), { flag: 'wx' })
  fs.chmodSync(target, modeOf(node) ?? 0o644)
}

function dataOf(node: TreeNode): string | Uint8Array {
  if (typeof node === 'string' || node instanceof Uint8Array) return node
  return 'data' in node ? node.data : ''
}

function makeFifo(target: string): void {
  const complaint = runToolSync('mkfifo', [target])
  if (complaint !== null) throw new Error(complaint)
}

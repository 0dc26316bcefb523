import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

import { freshDir } from './fresh'

const root = path.resolve(__dirname, '../..')
const npm = ['--ignore-scripts', '--offline', '--no-audit', '--no-fund', '--update-notifier=false']

/** A command line that runs the one after it without a network, where that takes no more than being root on Linux. */
export const offline: readonly string[] =
  process.platform === 'linux' && process.getuid?.() === 0 ? ['unshare', '--net'] : []

/** For its children: what is installed decides whether there is an addon, whatever this suite runs with. */
export const asInstalled = { REFLINK_MERGE_NATIVE: undefined } as const

interface Packed {
  tarball: string
  /** From the package's root. */
  files: string[]
  bytes: number
}

/**
 * What is published, with the addon that tests use instead of this platform's prebuild, which may be older. `change`:
 * is called with the directory that is going to be packed.
 */
export function packPackage(change: (dir: string) => void = () => undefined): Packed {
  const dir = freshDir()
  const { files } = readJson(path.join(root, 'package.json')) as { files: string[] }
  const listed = [...files, 'package.json', 'README.md', 'LICENSE']
  for (const name of listed.filter((name) => fs.existsSync(path.join(root, name))))
    fs.cpSync(path.join(root, name), path.join(dir, name), { recursive: true })
  if (process.env['PREBUILDS_ONLY'] === undefined) takeBuilt(path.join(dir, 'prebuilds'))
  change(dir)
  const [packed] = pack([dir])
  if (packed === undefined) throw new Error('npm pack told nothing')
  return packed
}

function takeBuilt(prebuilds: string): void {
  const own = path.join(prebuilds, `${process.platform}-${process.arch}`)
  fs.rmSync(own, { recursive: true, force: true })
  fs.mkdirSync(own, { recursive: true })
  const built = path.join(root, 'build/Release/reflink_merge.node')
  fs.copyFileSync(built, path.join(own, 'reflink-merge.node'))
}

/**
 * A directory in which the package was installed, and nothing but what it depends on: from tarballs, without a
 * network and without running a script.
 */
export function installPackage(): string {
  const dir = freshDir()
  const dependencies = pack(runtimeDependencies())
  const tarballs = [packPackage(), ...dependencies].map(({ tarball }) => tarball)
  fs.writeFileSync(path.join(dir, 'package.json'), '{ "name": "consumer", "private": true }')
  const [command = '', ...args] = [...offline, 'npm', 'install', ...npm, ...tarballs]
  execFileSync(command, args, { cwd: dir, stdio: 'pipe' })
  return dir
}

/** Tarballs of the package and of what it depends on. */
export function packForRegistry(change?: (dir: string) => void): string[] {
  return [packPackage(change), ...pack(runtimeDependencies())].map(({ tarball }) => tarball)
}

/** Directories of what is installed with the package, as package-lock.json has it. */
function runtimeDependencies(): string[] {
  const lock = path.join(root, 'package-lock.json')
  const { packages } = readJson(lock) as {
    packages: Record<string, { dev?: true; optional?: true }>
  }
  return Object.entries(packages)
    .filter(([name, { dev, optional }]) => name !== '' && !dev && !optional)
    .map(([name]) => path.join(root, name))
}

function pack(dirs: readonly string[]): Packed[] {
  const to = freshDir()
  const args = ['pack', '--json', ...npm, `--pack-destination=${to}`, ...dirs]
  const output = execFileSync('npm', args, { cwd: to, encoding: 'utf8', stdio: 'pipe' })
  return (
    JSON.parse(output) as { filename: string; files: { path: string }[]; size: number }[]
  ).map(({ filename, files, size }) => ({
    tarball: path.join(to, filename),
    files: files.map((file) => file.path),
    bytes: size,
  }))
}

function readJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from './child'
import type { RunningChild } from './child'
import { freshDir } from './fresh'
import { asInstalled } from './installed'
import { writeTree } from './tree'

const root = path.resolve(__dirname, '../..')
const program = path.join(root, 'examples/installer/install.mjs')

/** An entry of package-lock.json by its place in node_modules. */
export type Packages = Readonly<Record<string, object>>

/**
 * Lets the examples import the package by its name, as an installation of theirs would. Theirs has a package.json of its
 * own, so that the name does not lead to ours.
 */
export function linkForExamples(): void {
  const modules = path.join(root, 'examples/node_modules')
  fs.mkdirSync(modules, { recursive: true })
  const link = path.join(modules, 'reflink-merge')
  try {
    fs.symlinkSync('../..', link)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** A project with a lock, and a store, on one volume. */
export class Project {
  readonly dir: string
  readonly modules: string
  readonly store: string

  constructor(at: string, packages: Packages) {
    this.dir = writeTree(path.join(at, 'project'), {})
    this.modules = path.join(this.dir, 'node_modules')
    this.store = path.join(at, 'store')
    this.lock(packages)
  }

  lock(packages: Packages): void {
    const name = 'project'
    const located = Object.entries(packages).map(([to, entry]) => [`node_modules/${to}`, entry])
    const lock = {
      ...{ name, version: '1.0.0', lockfileVersion: 3, requires: true },
      packages: { '': { name }, ...(Object.fromEntries(located) as object) },
    }
    fs.writeFileSync(path.join(this.dir, 'package-lock.json'), JSON.stringify(lock))
  }

  start(...args: string[]): RunningChild {
    const command = [process.execPath, program, '--store', this.store, ...args, this.dir]
    // Its npm cache is nobody's.
    return startCommand(command, { env: { ...asInstalled, HOME: freshDir() } })
  }

  /** What it prints; throws unless it ends well. */
  async install(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.start(...args).done
    if (code !== 0 || stderr !== '') throw new Error(`exit code ${String(code)}: ${stderr}`)
    return stdout
  }

  /** What it complains about; throws unless it fails. */
  async fail(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.start(...args).done
    if (code !== 1) throw new Error(`exit code ${String(code)}: ${stdout}${stderr}`)
    return stderr
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.modules, file), 'utf8')
  }

  write(file: string, text: string): void {
    fs.writeFileSync(path.join(this.modules, file), text)
  }

  has(file: string): boolean {
    return fs.existsSync(path.join(this.modules, file))
  }

  /** Files of the store, without those that are being unpacked. */
  stored(): string[] {
    const files = path.join(this.store, 'files')
    return fs
      .readdirSync(files, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
  }

  unpacking(): string[] {
    return fs.readdirSync(path.join(this.store, 'tmp'))
  }
}

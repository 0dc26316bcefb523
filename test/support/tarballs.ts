import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

import { freshDir } from './fresh'
import { writeTree } from './tree'
import type { TreeSpec } from './tree'

/** What happens to a request for a tarball: it is served, with another content than promised, or never ended. */
type Fate = 'served' | 'broken' | 'held'

/** An entry of package-lock.json, as far as its tarball decides it. */
export interface Published {
  version: string
  resolved: string
  integrity: string
}

/** Tarballs of packages on loopback. */
export class Tarballs {
  /** Of all requests, in their order. */
  readonly requests: string[] = []
  private readonly data = new Map<string, Buffer>()
  private readonly fates = new Map<string, Fate[]>()
  private readonly server = http.createServer((request, response) => {
    const name = request.url ?? ''
    const data = this.data.get(name)
    this.requests.push(name)
    // The last fate stays.
    const fates = this.fates.get(name) ?? []
    const fate = (fates.length > 1 ? fates.shift() : fates[0]) ?? 'served'
    if (fate === 'held') {
      this.onHeld?.()
      return
    }
    if (data === undefined) response.writeHead(404).end()
    else response.end(fate === 'broken' ? data.subarray(0, data.length / 2) : data)
  })
  private onHeld: (() => void) | undefined

  static async start(): Promise<Tarballs> {
    const tarballs = new Tarballs()
    await new Promise<void>((resolve) => tarballs.server.listen(0, '127.0.0.1', resolve))
    return tarballs
  }

  publish(name: string, version: string, tree: TreeSpec): Published {
    const dir = freshDir()
    writeTree(path.join(dir, 'package'), {
      'package.json': JSON.stringify({ name, version }),
      ...tree,
    })
    const file = path.join(dir, 'package.tgz')
    execFileSync('tar', ['-czf', file, '-C', dir, 'package'])
    const data = fs.readFileSync(file)
    const at = this.at(name, version)
    this.data.set(at, data)
    const { port } = this.server.address() as AddressInfo
    const integrity = `sha512-${createHash('sha512').update(data).digest('base64')}`
    return { version, resolved: `http://127.0.0.1:${String(port)}${at}`, integrity }
  }

  /** The fates of the next requests for it; all that follow have the last one's. */
  decide(name: string, version: string, ...fates: Fate[]): void {
    this.fates.set(this.at(name, version), fates)
  }

  /** Resolves once a request is held. Call it before the request comes. */
  held(): Promise<void> {
    return new Promise((resolve) => {
      this.onHeld = resolve
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => {
        resolve()
      })
      this.server.closeAllConnections()
    })
  }

  private at(name: string, version: string): string {
    return `/${name}/-/${path.basename(name)}-${version}.tgz`
  }
}

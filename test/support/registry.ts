import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { execFileSync } from 'node:child_process'

interface Manifest {
  name: string
  version: string
  [field: string]: unknown
}

/** What registries leave out of the metadata that package managers ask for, such as `gypfile` and `scripts`. */
const abbreviated = ['name', 'version', 'bin', 'dependencies', 'engines', 'os', 'cpu', 'libc']

/**
 * A registry on loopback with these tarballs and nothing else. `close()` ends it.
 * Source: the npm registry's document on package metadata, "Abbreviated metadata format".
 */
export async function startRegistry(
  tarballs: readonly string[],
): Promise<{ url: string; close: () => Promise<void> }> {
  const packages = new Map(tarballs.map((file) => [manifestOf(file).name, file]))
  const server = http.createServer((request, response) => {
    const [, path = '', tarball] =
      /^\/([^?]*?)(\/-\/[^?]*)?(?:\?.*)?$/.exec(request.url ?? '') ?? []
    const file = packages.get(decodeURIComponent(path))
    if (file === undefined) response.writeHead(404).end('{}')
    else if (tarball !== undefined) response.end(fs.readFileSync(file))
    else response.setHeader('content-type', 'application/json').end(metadataOf(file, url()))
  })
  const url = (): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        resolve()
      })
      server.closeAllConnections()
    })
  return { url: url(), close }
}

function manifestOf(tarball: string): Manifest {
  const args = ['-xzOf', tarball, 'package/package.json']
  return JSON.parse(execFileSync('tar', args, { encoding: 'utf8' })) as Manifest
}

function metadataOf(tarball: string, url: string): string {
  const manifest = manifestOf(tarball)
  const { name, version } = manifest
  const data = fs.readFileSync(tarball)
  const hash = (algorithm: string, form: 'hex' | 'base64'): string =>
    createHash(algorithm).update(data).digest(form)
  const dist = {
    tarball: `${url}/${name}/-/${name}-${version}.tgz`,
    shasum: hash('sha1', 'hex'),
    integrity: `sha512-${hash('sha512', 'base64')}`,
  }
  const kept = Object.entries(manifest).filter(([field]) => abbreviated.includes(field))
  const longAgo = '2020-01-01T00:00:00.000Z'
  return JSON.stringify({
    name,
    modified: longAgo,
    // Some package managers install nothing that was published a minute ago.
    time: { created: longAgo, modified: longAgo, [version]: longAgo },
    'dist-tags': { latest: version },
    versions: { [version]: { ...Object.fromEntries(kept), dist } },
  })
}

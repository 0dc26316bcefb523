import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runStep } from './run.mjs'

/**
 * A Node from npm, fetched into out/nodes at the first need; gives the path of its binary.
 * @param {'x64' | 'arm64'} arch
 * @param {number} major
 */
export function otherNode(arch, major) {
  const name = `node-linux-${arch}`
  const dir = join(root, 'out/nodes', `${arch}-${major}`)
  const binary = join(dir, 'node_modules', name, 'bin/node')
  if (!existsSync(binary)) {
    mkdirSync(dir, { recursive: true })
    // --force: npm refuses what is for another architecture.
    const options = ['--force', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
    runStep(`Fetching Node ${major} for ${arch} (npm install)`, 'npm', [
      ...['install', '--prefix', dir, ...options, `${name}@${major}`],
    ])
  }
  return binary
}

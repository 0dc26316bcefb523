import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runStep } from './run.mjs'

/**
 * A Node from npm, fetched into out/nodes at the first need; gives the path of its binary.
 * @param {'x64' | 'arm64'} arch
 * @param {number} major
 * @param {'linux' | 'win'} [system]
 */
export function otherNode(arch, major, system = 'linux') {
  const name = `node-${system}-${arch}`
  const dir = join(root, 'out/nodes', system === 'linux' ? `${arch}-${major}` : `win-${major}`)
  const binary = join(dir, 'node_modules', name, 'bin', system === 'win' ? 'node.exe' : 'node')
  if (!existsSync(binary)) {
    mkdirSync(dir, { recursive: true })
    // --force: npm refuses what is for another architecture.
    const options = ['--force', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
    runStep(`Fetching Node ${major} for ${system} ${arch} (npm install)`, 'npm', [
      ...['install', '--prefix', dir, ...options, `${name}@${major}`],
    ])
  }
  return binary
}

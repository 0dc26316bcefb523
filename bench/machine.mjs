import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/run.mjs'
import { parseJson } from './json.mjs'
import { newerNode, peerVersions } from './peers.mjs'

/**
 * @typedef {object} Circumstances
 * @property {string} date ISO 8601
 * @property {{ cpu: string, cores: number, memory: number, kernel: string, load: number }} machine load: of the last minute, before
 *   anything was measured
 * @property {Record<string, string>} versions
 */

/**
 * @param {boolean} withPeers
 * @returns {Circumstances}
 */
export function circumstances(withPeers) {
  const manifest = parseJson(readFileSync(join(root, 'package.json'), 'utf8'))
  const { version } = /** @type {{ version: string }} */ (manifest)
  return {
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory: totalmem(),
      kernel: release(),
      load: loadavg()[0] ?? NaN,
    },
    versions: {
      node: process.versions.node,
      'reflink-merge': version,
      commit: firstLine('git', ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12']),
      cp: firstLine('cp', ['--version']).replace(/^cp /, ''),
      ...(withPeers
        ? { 'newer node': firstLine(newerNode, ['--version']).slice(1), ...peerVersions() }
        : {}),
    },
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function firstLine(command, args) {
  try {
    const text = execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return text.split('\n', 1)[0] ?? ''
  } catch {
    return 'unknown'
  }
}

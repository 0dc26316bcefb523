// What binding.gyp compiles, for builds that do without node-gyp.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'
import { out, runTool } from './zig.mjs'

/**
 * The files that binding.gyp takes on a system, as gyp itself understands it.
 * @param {'linux' | 'mac' | 'win' | 'freebsd'} system
 */
export function sourcesFor(system) {
  const script = `
import json, sys
sys.path.insert(0, 'node_modules/node-gyp/gyp/pylib')
import gyp
class Options: generator_output = None; toplevel_dir = '.'
parameters = {'options': Options, 'parallel': False, 'root_targets': None}
targets = gyp.Load(['binding.gyp'], 'gypd', {'OS': sys.argv[1]}, [sys.argv[2]], '.', parameters)[2]
print(json.dumps([source for target in targets.values() for source in target['sources']]))`
  // Instead of node-gyp's own, which wants to know of Node and its headers.
  const defaults = join(out, 'defaults.gypi')
  mkdirSync(out, { recursive: true })
  writeFileSync(defaults, "{ 'target_defaults': { 'type': 'loadable_module' } }")
  const args = ['-B', '-c', script, system, defaults]
  /** @type {unknown} */
  const sources = JSON.parse(runTool('python3', args))
  return /** @type {string[]} */ (sources).map((source) => join(root, source))
}

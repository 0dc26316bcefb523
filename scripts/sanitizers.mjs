import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root, runStep } from './run.mjs'

/**
 * Libraries to preload: node itself is not built with a sanitizer, so its runtime has to be there
 * before the addon is. Without libstdc++, libtsan crashes sh and other programs that tests start.
 * @type {Record<string, readonly string[] | undefined>}
 */
const preloaded = {
  asan: ['libasan.so'],
  tsan: ['libtsan.so', 'libstdc++.so.6'],
}

/**
 * Builds the addon under sanitizers.
 * @param {string} sanitizer asan (with UBSan) or tsan
 * @returns {NodeJS.ProcessEnv} what a node process needs to load that addon
 */
export function buildSanitized(sanitizer) {
  const libraries = preloaded[sanitizer]
  if (libraries === undefined) throw new Error(`--sanitizer=${sanitizer}: asan or tsan`)
  runStep(`Compiling the addon for ${sanitizer}`, 'npm', ['run', '--silent', `build:${sanitizer}`])
  return {
    REFLINK_MERGE_ADDON: join(root, `out/${sanitizer}/Debug/reflink_merge.node`),
    LD_PRELOAD: libraries.map(pathOf).join(' '),
    TSAN_OPTIONS: `suppressions=${join(root, 'scripts/tsan.supp')}`,
    UBSAN_OPTIONS: 'print_stacktrace=1',
    // More random trees would try the same native code once more.
    REFLINK_MERGE_RUNS: process.env.REFLINK_MERGE_RUNS ?? '200',
  }
}

/** @param {string} library */
function pathOf(library) {
  return execFileSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim()
}

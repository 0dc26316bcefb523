// npm run fuzz [-- --seconds N] [names | columns]: libFuzzer, under ASan and UBSan, on the native code that takes
// apart what comes from outside. N seconds (default 60) on each target; the seeds are in test/fuzz/corpus.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, runStep } from './run.mjs'
import { ensureSystemTools } from './setup.mjs'

const compiler = 'clang++-19'
const targets = ['names', 'columns']
const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' } },
  allowPositionals: true,
})
const missing = ensureSystemTools({ clang: true, fuzzer: true })
if (missing.length > 0) {
  console.error(`fuzz: there is no ${missing.join(', ')}`)
  process.exit(1)
}

/** The backend of Linux, without the layer that speaks with Node. */
const sources = [
  'native/linux.cc',
  ...readdirSync(join(root, 'native/posix'))
    .filter((name) => name.endsWith('.cc') && !name.startsWith('addon_'))
    .map((name) => join('native/posix', name)),
]

for (const target of positionals.length > 0 ? positionals : targets) {
  const program = join('out/fuzz', target)
  const found = join('out/fuzz/corpus', target)
  mkdirSync(join(root, found), { recursive: true })
  runStep(`Compiling the fuzzer of ${target}`, compiler, [
    ...['-std=c++17', '-g', '-O1', '-fno-exceptions', '-Inative', '-o', program],
    ...['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'],
    ...[join('test/fuzz', `${target}.cc`), ...sources],
  ])
  const { status, stderr } = spawnSync(
    join(root, program),
    [
      ...[`-max_total_time=${values.seconds}`, '-max_len=2048', '-print_final_stats=1'],
      ...['-artifact_prefix=out/fuzz/', found, join('test/fuzz/corpus', target)],
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: Infinity },
  )
  if (status !== 0) {
    console.error(stderr)
    process.exit(1)
  }
  const runs = /stat::number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? '0'
  const covered = [...stderr.matchAll(/ cov: (\d+)/g)].at(-1)?.[1] ?? '0'
  console.log(`${target}: ${runs} inputs in ${values.seconds} s, ${covered} edges, none failed`)
}

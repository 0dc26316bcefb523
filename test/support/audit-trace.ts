import fs from 'node:fs'
import path from 'node:path'

import type { DirectorySource } from '../../lib/index'
import { bundleEnv } from './bundle'
import { runNode } from './child'
import { parseTrace, textOf, type TracedCall } from './strace'

/** What the traced process merges. */
export interface AuditOrder {
  /** Is there, with some of its own. */
  dest: string
  /** Is not there. */
  missing: string
  sources: DirectorySource[]
  /** The same paths, other contents. */
  others: DirectorySource[]
  /** A store of files, `one` and `two`, for a map. */
  content: string
  /** `internals.ts`, bundled. */
  internals: string
}

/** A part of the trace. */
export interface Phase {
  readonly name: string
  readonly calls: TracedCall[]
}

// Not of files, and most of a trace.
const noise =
  'futex,epoll_wait,epoll_pwait,epoll_ctl,mprotect,madvise,munmap,brk,rt_sigaction,rt_sigprocmask'

/** Runs a script of plain JavaScript under strace; what it did in each phase that it announced. */
export async function traceOf(script: string, input: unknown, log: string): Promise<Phase[]> {
  const prefix = ['strace', '-f', '-y', '-s', '4096', '-e', `trace=!${noise}`, '-o', log]
  const { code, stderr } = await runNode([script], {
    ...{ prefix, input: JSON.stringify(input), timeout: 300_000 },
    env: bundleEnv,
  })
  if (code !== 0) throw new Error(`the traced process ended with ${String(code)}: ${stderr}`)
  return phasesOf(parseTrace(fs.readFileSync(log, 'utf8')))
}

/** A phase begins where the process looks for `/phase/<its name>`, which is nowhere. */
function phasesOf(calls: readonly TracedCall[]): Phase[] {
  const phases: Phase[] = []
  for (const call of calls) {
    const name = phaseBegunBy(call)
    if (name !== undefined) phases.push({ name, calls: [] })
    else phases.at(-1)?.calls.push(call)
  }
  return phases
}

function phaseBegunBy({ name, args }: TracedCall): string | undefined {
  if (!name.startsWith('access') && !name.startsWith('faccessat')) return undefined
  const looked = args.map(textOf).find((text) => text?.startsWith('/phase/') === true)
  return looked && path.basename(looked)
}

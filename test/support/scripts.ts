import os from 'node:os'

import type { Host } from '../../lib/host/host'
import {
  mutating,
  scriptedHost,
  type Operation,
  type ScriptedCall,
  type Verdict,
} from './scripted-host'

/** A failure for a script, by the name of its errno. */
export function failWith(code: keyof typeof os.constants.errno, syscall: string): Verdict {
  return { errno: os.constants.errno[code], syscall }
}

/** A host that clones wherever it runs: each clone is a copy. */
export function cloningEverywhere(host: Host): Host {
  return { ...host, clone: (jobs, options) => host.copy(jobs, options) }
}

/** A host that notes every call about every name before `answer` decides about it. */
export function recordingHost(
  host: Host,
  answer: (call: ScriptedCall) => Verdict = () => undefined,
): { host: Host; calls: ScriptedCall[]; count: (operation: Operation) => number } {
  const calls: ScriptedCall[] = []
  return {
    host: scriptedHost(host, (call) => {
      calls.push(call)
      return answer(call)
    }),
    calls,
    count: (operation) => calls.filter((call) => call.operation === operation).length,
  }
}

/** A host whose n-th mutating call fails, counted from 1, or all from the n-th on. */
export function failingFrom(
  host: Host,
  n: number,
  onceOnly: boolean,
  verdict: (call: ScriptedCall) => Verdict,
): { host: Host; failed: ScriptedCall[] } {
  const failed: ScriptedCall[] = []
  let count = 0
  const scripted = scriptedHost(host, (call) => {
    if (!mutating.has(call.operation)) return undefined
    count++
    if (onceOnly ? count !== n : count < n) return undefined
    failed.push(call)
    return verdict(call)
  })
  return { host: scripted, failed }
}

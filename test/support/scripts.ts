import { nameByName } from './name-by-name'
import os from 'node:os'

import type { Host } from '../../lib/host/host'
import { scriptedHost, type Operation, type ScriptedCall, type Verdict } from './scripted-host'

/** A failure for a script, by the name of its errno. */
export function failWith(code: keyof typeof os.constants.errno, syscall: string): Verdict {
  return { errno: os.constants.errno[code], syscall }
}

/** A host that clones wherever it runs: each clone is a copy. */
export function cloningEverywhere(host: Host): Host {
  return { ...nameByName(host), clone: (jobs, options) => host.copy(jobs, options) }
}

/** A host that cannot swap names, as on FUSE. */
export function withoutSwaps(host: Host): Host {
  const failing = scriptedHost(host, () => failWith('EINVAL', 'rename'))
  return { ...host, exchange: (jobs) => failing.exchange(jobs) }
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

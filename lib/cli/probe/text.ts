import { Help } from 'commander'
import type { LinkMode } from '../../index'
import { formatBytes, formatMicroseconds } from '../units'
import { nameVolume } from '../volumes'
import type { ProbeReport } from './report'

const widestText = 100

/** What was found, for people; `columns`: of the terminal. */
export function describeProbe(report: ProbeReport, columns = 80): string {
  const { path, dest, bytes, volumes, linkModes, recommended } = report
  const rows = (Object.keys(linkModes) as LinkMode[]).map((mode) => row(report, mode))
  const reason = new Help().boxWrap(recommended.reason, Math.min(columns, widestText) - 2)
  return [
    `store  ${nameVolume(volumes.store)}`,
    `dest   ${nameVolume(volumes.dest)}`,
    `tried  ${path} (${formatBytes(bytes)})`,
    `in     ${dest}`,
    '',
    'mode      works  a file',
    ...rows,
    '',
    `recommended: --link-mode ${recommended.linkModes.join(',')}`,
    ...reason.split('\n').map((line) => `  ${line}`),
  ].join('\n')
}

function row({ linkModes, cost, sharedBytes, copyUp }: ProbeReport, mode: LinkMode): string {
  const verdict = linkModes[mode]
  const name = mode.padEnd(9)
  if (!verdict.works) return `${name} no     ${verdict.code} from ${verdict.syscall}`
  const time = cost[mode]
  const notes = time === null ? '' : formatMicroseconds(time).padEnd(9)
  if (mode === 'clone' && sharedBytes > 0)
    return `${name} yes    ${notes} shares ${formatBytes(sharedBytes)}`
  if (mode === 'hardlink' && copyUp?.copied === true) {
    return `${name} yes    ${notes} but ${formatMicroseconds(copyUp.first)} the first time: copied up`
  }
  return `${name} yes    ${notes}`.trimEnd()
}

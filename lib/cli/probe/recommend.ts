import type { LinkMode } from '../../index'
import { formatBytes, formatMicroseconds } from '../units'
import type { Findings } from './report'

export interface Recommendation {
  /** For --link-mode, in this order. */
  readonly linkModes: LinkMode[]
  readonly reason: string
}

/** `why`: in words, why files cannot be cloned; empty where they can. */
export function recommend(findings: Findings, why: string): Recommendation {
  const { linkModes, copyUp } = findings
  if (linkModes.clone.works) return { linkModes: ['clone', 'copy'], reason: ofClone(findings) }
  if (!linkModes.hardlink.works) {
    const { code } = linkModes.hardlink
    return { linkModes: ['copy'], reason: `${why}, and files cannot be hard-linked (${code}).` }
  }
  if (copyUp?.copied === true) {
    const { first, later, copy } = copyUp
    const reason =
      `${why}. Hard links work, but overlayfs first copies up each file of a lower layer: the first link ` +
      `to a file of ${formatBytes(copyUp.bytes)} took ${formatMicroseconds(first)}, another one ${formatMicroseconds(later)}, a copy ${formatMicroseconds(copy)}. ` +
      'So a copy is just as good, and leaves the store as it is.'
    return { linkModes: ['copy'], reason }
  }
  return { linkModes: ['hardlink', 'copy'], reason: `${why}. ${ofHardlink(findings)}` }
}

function ofClone({ sharedBytes, bytes, cost }: Findings): string {
  const { clone, copy } = cost
  const shared =
    sharedBytes > 0
      ? `Cloning works, and ${formatBytes(sharedBytes)} of ${formatBytes(bytes)} are stored only once`
      : 'Cloning works, but sharing could not be confirmed (the file is small, or the addon is missing)'
  if (clone === null || copy === null) return `${shared}.`
  const times = `${formatMicroseconds(clone)} a file, a copy ${formatMicroseconds(copy)}`
  return `${shared}; it takes ${times}. Files in dest can be edited without changing the store.`
}

function ofHardlink({ cost: { hardlink, copy }, copyUp }: Findings): string {
  const caveat =
    copyUp === null
      ? ''
      : ' The file that was tried is in the upper layer of the overlay; one in a lower layer would be copied up first.'
  const times =
    hardlink === null || copy === null
      ? ''
      : ` (${formatMicroseconds(hardlink)} a file, a copy ${formatMicroseconds(copy)})`
  return (
    `A hard link takes no space${times}, but it is the store's own file: an edit in dest is an edit in the ` +
    `store. If files in dest will be edited, use --link-mode copy.${caveat}`
  )
}

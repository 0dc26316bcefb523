import { importPeer } from '../peers.mjs'

/** @typedef {'auto' | 'always' | 'never'} Policy */

const { copyTree } =
  /** @type {{ copyTree: (from: string, to: string, options: { clone: Policy }) => Promise<void> }} */ (
    await importPeer('@openclaw/fs-safe/copy')
  )

/** @param {import('../run-subject.mjs').Job} job `as`: its policy */
export function prepare({ tree, dest, as }) {
  const clone = /** @type {Policy} */ (as)
  return Promise.resolve(() => copyTree(tree, dest, { clone }))
}

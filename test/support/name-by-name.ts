import type { Host } from '../../lib/host/host'

/** A host that reads, compares and makes no whole trees: everything goes through the operations on names. */
export function nameByName(host: Host): Host {
  return { ...host, scanTrees: undefined, matchTrees: undefined, placeTrees: undefined }
}

import { addon, addonError } from '../addon'
import { debug } from '../debug'
import type { Host } from './host'
import { hasBatches, nativeHost } from './native'
import { nodeHost } from './node'

/** The best host of this system: with the addon if there is one. */
export const defaultHost: Host =
  addon !== undefined && hasBatches(addon) ? nativeHost(addon) : nodeHost

if (addonError !== undefined) debug('no addon: %s', addonError)

import { debuglog } from 'node:util'

/**
 * What the library decides, on stderr, with `NODE_DEBUG=reflink-merge` in the environment; otherwise it never prints.
 * Switched off a call costs nothing but its arguments: `%s` and `%d` instead of texts that are put together.
 */
export const debug = debuglog('reflink-merge')

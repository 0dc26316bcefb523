// What processes of tests need of lib/ besides the public API: bundled, since a child that compiles writes files of its own.

export { defaultHost } from '../../lib/host'
export { mergeOn } from '../../lib/merge'
export { Session } from '../../lib/session'

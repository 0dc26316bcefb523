// recover() in a process of its own, which says so when it has to wait for dest's lock.

/** @type {typeof import('../../lib/host')} */
const { defaultHost } = require('../../lib/host')
/** @type {typeof import('../../lib/merge')} */
const { recoverOn } = require('../../lib/merge')

const dest = process.argv[2] ?? ''
/** @type {typeof defaultHost} */
const host = {
  ...defaultHost,
  tryLock(directory) {
    const errno = defaultHost.tryLock(directory)
    if (errno !== 0 && directory.path === dest) process.stdout.write('waits\n')
    return errno
  },
}

void recoverOn(host, dest)

// What fails under wine 8, though it should not be mended here: wine's own limits, and tests that make what Windows
// cannot hold, or ask for errors as POSIX words them.

/** The merge, and the host below it, as they run on Windows. */
const badInput = under('bad input with node:fs alone')
const host = under('host with node:fs alone')

/** @type {readonly import('../known-failures.mjs').KnownFailure[]} */
export const knownUnderWine = [
  {
    reason: 'wine 8 says of CreateSymbolicLink that it worked, and makes nothing',
    tests: [
      ...badInput(
        'dest and a source within each other sees through a symlink',
        'a source that is no directory merges a symlink to a directory',
        'symlinks that may lead out of dest',
        'symlinks may climb',
        'symlinks are all refused',
        'symlinks whose text is no UTF-8',
      ),
      ...host(
        'open opens a directory, also through a symlink',
        'list follows a symlink at the start',
        'stat tells columns',
        'stat tells what stands in the place',
        'copy tells EEXIST',
        'hardlink links a symlink itself',
        'symlink keeps the text',
        'symlink tells what the system says',
        'mkdir tells what the system says',
        'copyTimes gives directories and symlinks',
        'rename moves files, directories and symlinks',
        'rename replaces nothing unless told to',
        'rename replaces files and symlinks',
        'unlink removes files and symlinks',
      ),
      'a merge session is not opened where merge() would reject',
    ],
  },
  {
    reason: 'the test makes a fifo, and Windows has none in directories',
    tests: [
      'binding reflink gives the errno as the kernel gives it',
      'binding reflinkAsync gives the errno as the kernel gives it',
      ...badInput(
        'a source that is no directory tells ENOTDIR for a fifo',
        'a file of a map that cannot be read refuses what is no regular file',
        'entries that are no file, directory or symlink',
        'tells bad names and bad kinds of files together',
      ),
      ...host(
        'open rejects with errno, syscall and path',
        'list tells names, kinds, modes, sizes',
        'list tells an empty directory, and a fifo',
        'compare compares regular files only',
        'copy reads regular files only',
      ),
      'probe that cannot try',
    ],
  },
  {
    reason:
      'the test makes names that Windows has not: with a backslash, a pipe or bytes that are no UTF-8',
    tests: [
      ...badInput(
        'names refuses a backslash',
        'names tells those of all',
        'names merges names of',
        'names leaves out what the filter does',
      ),
      ...host('list tells names that are not UTF-8 apart'),
    ],
  },
  {
    reason: 'Windows has one permission bit, and no umask',
    tests: host(
      "copy gives the source's permission bits",
      'mkdir gives the modes exactly',
      'mkdir lets the umask',
      'chmod sets the mode of a directory',
    ),
  },
  {
    reason: 'looking at a file gives it a new atime under wine, which NTFS puts off',
    tests: host('copy keeps atime and mtime'),
  },
  {
    reason:
      'node:fs removes a directory and the one in it at once here, and under wine either may be first',
    tests: host('rmdir removes empty directories'),
    sometimes: true,
  },
  {
    reason: 'Windows names the failure in another way: EPERM for EISDIR, ENOENT for ENOTDIR',
    tests: host(
      'rename tells what the system says',
      'unlink tells what the system says',
      'rmdir tells what the system says',
    ),
  },
  {
    reason:
      'ENOTSUP of duplicate_extents, with win32Error, is what EOPNOTSUPP of ficlone is elsewhere',
    tests: [
      'binding a hundred clones at once',
      'cloneFile where nothing can be cloned',
      'cloneFileSync where nothing can be cloned',
      ...host('clone tells EOPNOTSUPP'),
    ],
  },
  {
    reason: 'on Windows the addon clones files and does nothing else, so there is one host',
    tests: [
      'bad input with the addon "before all" hook',
      'host with the addon "before all" hook',
      'binding has the same calls in what is exported',
      'a merge session gives what merge() gives',
      'a merge session is what openMerge() gives',
      'a merge session ends with commit()',
      'a merge session given a bad argument',
    ],
  },
  {
    reason: 'the test starts a child with a .ts file, and here all is JavaScript',
    tests: ['binding without the addon', 'a merge session has no rejection unhandled'],
  },
]

/**
 * @param {string} title
 * @returns {(...tests: readonly string[]) => string[]}
 */
function under(title) {
  return (...tests) => tests.map((test) => `${title} ${test}`)
}

// What fails under wine 8, though it should not be mended here: wine's own limits, and tests that make what Windows
// cannot hold, or ask for errors as POSIX words them.

/** @type {readonly import('../known-failures.mjs').KnownFailure[]} */
export const knownUnderWine = [
  {
    reason: 'wine 8 says of CreateSymbolicLink that it worked, and makes nothing',
    test: any(
      /symlink/,
      /host with node:fs alone (?:open opens a directory|stat tells (?:columns|what stands))/,
      /host with node:fs alone (?:mkdir tells what|copyTimes gives|copy tells EEXIST)/,
      /host with node:fs alone rename replaces nothing unless told to/,
      /a merge session is not opened where merge\(\) would reject/,
    ),
  },
  {
    reason: 'the test makes a fifo, and Windows has none in directories',
    test: any(
      /fifo/,
      /binding reflink(?:Async)? gives the errno as the kernel gives it/,
      /bad input with node:fs alone tells bad names and bad kinds of files together/,
      /bad input with node:fs alone a file of a map that cannot be read refuses what is no regular/,
      /bad input with node:fs alone entries that are no .* can be left out by a filter/,
      /host with node:fs alone open rejects with errno, syscall and path/,
      /host with node:fs alone list tells names, kinds, modes, sizes/,
      /host with node:fs alone (?:compare compares|copy reads) regular files only/,
      /probe that cannot try/,
    ),
  },
  {
    reason:
      'the test makes names that Windows has not: with a backslash, a pipe or bytes that are no UTF-8',
    test: any(
      /bad input with node:fs alone names (?:refuses a backslash|tells those of all|merges names of)/,
      /bad input with node:fs alone names leaves out what the filter does/,
      /host with node:fs alone list tells names that are not UTF-8 apart/,
    ),
  },
  {
    reason: 'Windows has one permission bit, and no umask',
    test: any(
      /host with node:fs alone copy gives the source's permission bits/,
      /host with node:fs alone mkdir (?:gives the modes exactly|lets the umask)/,
      /host with node:fs alone chmod sets the mode of a directory/,
    ),
  },
  {
    reason: 'looking at a file gives it a new atime under wine, which NTFS puts off',
    test: /host with node:fs alone copy keeps atime and mtime/,
  },
  {
    reason:
      'node:fs removes a directory and the one in it at once here, and under wine either may be first',
    test: /host with node:fs alone rmdir removes empty directories/,
    sometimes: true,
  },
  {
    reason: 'Windows names the failure in another way: EPERM for EISDIR, ENOENT for ENOTDIR',
    test: /host with node:fs alone (?:rename|unlink|rmdir) tells what the system says/,
  },
  {
    reason:
      'ENOTSUP of duplicate_extents, with win32Error, is what EOPNOTSUPP of ficlone is elsewhere',
    test: any(
      /binding a hundred clones at once/,
      /cloneFile(?:Sync)? where nothing can be cloned/,
      /host with node:fs alone clone tells EOPNOTSUPP/,
      /sharedBytes cannot be told/,
    ),
  },
  {
    reason: 'on Windows the addon clones files and does nothing else, so there is one host',
    test: any(
      /with the addon "before all" hook/,
      /binding has the same calls in what is exported/,
      /a merge session (?:gives what|is what openMerge\(\) gives|ends with commit\(\)|given a bad argument)/,
    ),
  },
  {
    reason: 'the test starts a child with a .ts file, and here all is JavaScript',
    test: any(/binding without the addon/, /a merge session has no rejection unhandled/),
  },
]

/** @param {RegExp[]} patterns */
function any(...patterns) {
  return new RegExp(patterns.map(({ source }) => source).join('|'))
}

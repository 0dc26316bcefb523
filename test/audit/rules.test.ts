import assert from 'node:assert/strict'

import { Audit, type AuditOptions } from '../support/audit'
import { parseTrace } from '../support/strace'

const staging = '/d/.reflink-merge-0123456789abcdef'

function faultsOf(line: string, options?: AuditOptions): string[] {
  const audit = new Audit({ dest: '/d', stores: ['/s'] })
  audit.judge(parseTrace(`1 ${line}`), options)
  return audit.faults.map((fault) => fault.slice(0, fault.indexOf(':')))
}

const wrong: Readonly<Record<string, readonly string[]>> = {
  truncates: ['openat(5</d>, "f", O_WRONLY|O_TRUNC|O_CREAT|O_EXCL|O_NOFOLLOW, 0644) = 3</d/f>'],
  'opens an existing file for writing': [
    'openat(5</d>, "f", O_WRONLY|O_NOFOLLOW) = 3</d/f>',
    'openat(5</d>, "f", O_RDWR|O_CREAT|O_NOFOLLOW, 0644) = 3</d/f>',
    'openat(AT_FDCWD</>, "/d", O_RDWR) = -1 EISDIR (Is a directory)',
  ],
  'may follow a symlink': [
    'openat(5</d>, "f", O_RDONLY) = 3</d/f>',
    'newfstatat(5</d>, "f", {st_size=1}, 0) = 0',
    'utimensat(5</d>, "f", [UTIME_NOW, UTIME_NOW], 0) = 0',
    'statx(5</d>, "f", 0, STATX_BTIME, {stx_mask=0}) = 0',
    'openat2(5</d>, "a/b", {flags=O_PATH|O_DIRECTORY, resolve=0}, 24) = 6</d/a/b>',
  ],
  'follows a symlink': [
    'linkat(5</s>, "f", 6</d>, "f", AT_SYMLINK_FOLLOW) = 0',
    'name_to_handle_at(5</d>, "f", {handle_bytes=8}, [30], AT_SYMLINK_FOLLOW) = 0',
  ],
  'opens more than a directory': [
    'openat2(5</d>, "a/b", {flags=O_RDWR|O_CREAT, mode=0600, resolve=RESOLVE_NO_SYMLINKS}, 24) = 6</d/a/b>',
  ],
  'changes attributes by name': [
    'chmod("/d", 0644) = 0',
    'fchmodat(5</d>, "f", 0644) = 0',
    'fchownat(5</d>, "f", 0, 0, AT_SYMLINK_NOFOLLOW) = 0',
  ],
  'has more than one name after a descriptor': [
    'openat(5</d>, "a/f", O_RDONLY|O_NOFOLLOW) = 3</d/a/f>',
    'openat(5</d>, "f/", O_RDONLY|O_NOFOLLOW) = 3</d/f>',
    'newfstatat(5</d/a>, "..", {st_size=1}, AT_SYMLINK_NOFOLLOW) = 0',
    'openat2(5</d>, "a/../b", {flags=O_PATH, resolve=RESOLVE_NO_SYMLINKS}, 24) = 6</d/b>',
  ],
  'has a path, not a descriptor': [
    'openat(AT_FDCWD</>, "/d/f", O_RDONLY|O_NOFOLLOW) = 3</d/f>',
    'lstat("/d/f", {st_size=1}) = 0',
    'mkdir("/d/f", 0755) = 0',
    'statfs("/d/f", {f_type=EXT2_SUPER_MAGIC}) = 0',
  ],
  'may replace what stands there': [
    'renameat2(5</d>, "a", 5</d>, "b", 0) = 0',
    `renameat(5<${staging}/new>, "a", 6</d>, "a") = 0`,
    `renameat(5</d>, "a", 6<${staging}/old>, "a") = 0`,
    `renameat2(5<${staging}/old>, "a", 6</d>, "a", RENAME_EXCHANGE) = 0`,
  ],
  'removes what is not staged': [
    'unlinkat(5</d>, "f", 0) = 0',
    'unlinkat(5</d>, "a", AT_REMOVEDIR) = 0',
    'unlinkat(5</d/a/.reflink-merge-0123456789abcdef>, "f", 0) = 0',
  ],
  'writes to what is not staged': [
    'write(5</d/f>, "x", 1) = 1',
    'ioctl(5</d/f>, BTRFS_IOC_CLONE or FICLONE, 6</s/f>) = 0',
    'copy_file_range(6</s/f>, [0], 5</d/f>, [0], 9, 0) = 9',
    'ftruncate(5</d/f>, 0) = 0',
  ],
  'changes a source': [
    'fchmod(5</s/f>, 0644) = 0',
    `renameat2(5</s>, "f", 6<${staging}/new>, "f", RENAME_NOREPLACE) = 0`,
    'mkdirat(5</s>, "a", 0755) = 0',
    'symlinkat("t", 5</s>, "l") = 0',
  ],
  'is a call that nobody has judged': ['newcall(5</d>, "f") = 0', 'swapon("/d/f", 0) = 0'],
}

describe('the audit of system calls', () => {
  for (const [fault, lines] of Object.entries(wrong))
    for (const line of lines)
      it(`finds that one ${fault}: ${line.slice(0, line.indexOf(') ='))})`, () => {
        assert.ok(faultsOf(line).includes(fault), faultsOf(line).join(', ') || 'no fault')
      })

  it('finds any change where nothing was to be changed', () => {
    for (const line of [
      `mkdirat(5</d>, ".reflink-merge-0123456789abcdef", 0700) = 0`,
      `openat(5<${staging}>, "f", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW, 0600) = 3<${staging}/f>`,
      'fchmod(5</d/a>, 0755) = 0',
    ]) {
      assert.deepEqual(faultsOf(line), [])
      assert.deepEqual(faultsOf(line, { unchanged: true }), [
        'changes something, where all was in place',
      ])
    }
  })

  it('lets a staged entry replace another only where that was asked for', () => {
    const line = `renameat(5<${staging}/new>, "a", 6</d>, "a") = 0`
    assert.deepEqual(faultsOf(line, { replacing: true }), [])
    assert.equal(faultsOf(line).length, 1)
    const other = 'renameat(5</d>, "a", 6</d>, "b") = 0'
    assert.equal(faultsOf(other, { replacing: true }).length, 1)
  })

  it('lets dest, and what leads to it, be looked for by path, but not be made by it', () => {
    const faultsAbove = (line: string): number => {
      const audit = new Audit({ dest: '/n/a/dest', nearest: '/n', stores: [] })
      audit.judge(parseTrace(`1 ${line}`))
      return audit.faults.length
    }
    assert.equal(faultsAbove('lstat("/n/a", {st_size=1}) = 0'), 0)
    assert.equal(faultsAbove('lstat("/n/a/dest", {st_size=1}) = 0'), 0)
    assert.equal(faultsAbove('lstat("/n/a/dest/f", {st_size=1}) = 0'), 1)
    assert.equal(faultsAbove('mkdir("/n/a", 0755) = 0'), 1)
  })

  it('finds nothing wrong with what is done by one name of a descriptor, nor with what is elsewhere', () => {
    for (const line of [
      'openat(AT_FDCWD</>, "/d", O_RDONLY|O_CLOEXEC|O_DIRECTORY) = 3</d>',
      'openat(5</d>, ".", O_RDONLY|O_NOFOLLOW|O_DIRECTORY) = 3</d>',
      'newfstatat(5</d/f>, "", {st_size=1}, AT_EMPTY_PATH) = 0',
      'utimensat(5</d/f>, NULL, [UTIME_NOW, UTIME_NOW], 0) = 0',
      'linkat(5</s>, "f", 6</d>, "f", 0) = 0',
      `statfs("${staging}", {f_type=EXT2_SUPER_MAGIC}) = 0`,
      'flistxattr(5</d>, NULL, 0) = 0',
      'name_to_handle_at(5</d>, "f", {handle_bytes=8}, [30], 0) = 0',
      'openat2(5</d>, "a/b", {flags=O_PATH|O_DIRECTORY, resolve=RESOLVE_NO_SYMLINKS}, 24) = 6</d/a/b>',
      `renameat(5</d>, ".reflink-merge-0123456789abcdef", 5</d>, ".reflink-merge-0123456789abcdef-begun") = 0`,
      `renameat(5<${staging}>, "fence-0", 5<${staging}>, "fence-1") = 0`,
      `unlinkat(5<${staging}-begun/taken>, "f", 0) = 0`,
      'unlinkat(5</d/a/.reflink-merge-0123456789abcdef-part/new>, "f", 0) = 0',
      'openat(AT_FDCWD</>, "/elsewhere", O_WRONLY|O_TRUNC) = 3</elsewhere>',
      'unlink("/elsewhere") = 0',
      'anything(1, "/elsewhere") = 0',
    ])
      assert.deepEqual(faultsOf(line), [], line)
  })
})

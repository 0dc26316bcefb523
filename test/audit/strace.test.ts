import assert from 'node:assert/strict'

import { descriptorPath, parseTrace, splitArguments, textOf } from '../support/strace'

const only = (line: string): ReturnType<typeof parseTrace>[number] => {
  const [call, ...others] = parseTrace(line)
  assert.ok(call)
  assert.deepEqual(others, [])
  return call
}

describe('a line of strace', () => {
  it('is taken apart into call, arguments and result', () => {
    const { pid, name, args, result, errno } = only(
      '12  openat(5</d>, "f", O_RDONLY|O_NOFOLLOW) = 7</d/f>',
    )
    assert.deepEqual([pid, name, result, errno], [12, 'openat', '7', undefined])
    assert.deepEqual(args, ['5</d>', '"f"', 'O_RDONLY|O_NOFOLLOW'])
  })

  it('tells the errno of a call that failed', () => {
    const { result, errno } = only('1 mkdirat(5</d>, "x", 0700) = -1 EEXIST (File exists)')
    assert.deepEqual([result, errno], ['-1', 'EEXIST'])
  })

  it('may have a comment, or the path of what was removed, after its result', () => {
    assert.equal(
      only('1 fcntl(5</d>, F_GETFL) = 0x8000 (flags O_RDONLY|O_LARGEFILE)').result,
      '0x8000',
    )
    assert.equal(only('1 dup(5</d>(deleted)) = 6</d>(deleted)').result, '6')
  })

  it('of a call that was restarted has its errno', () => {
    const line =
      '1 poll([{fd=3<pipe:[9]>, events=POLLIN}], 1, -1) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)'
    assert.equal(only(line).errno, 'ERESTART_RESTARTBLOCK')
  })

  it('keeps commas and brackets in texts, structures and paths of descriptors', () => {
    const args = '5</a, (b>, "c, \\"d\\" (", {st_mode=S_IFREG|0644, st_size=1, ...}, [1, 2], 1 << 3'
    assert.deepEqual(splitArguments(args), [
      ...[
        '5</a, (b>',
        '"c, \\"d\\" ("',
        '{st_mode=S_IFREG|0644, st_size=1, ...}',
        '[1, 2]',
        '1 << 3',
      ],
    ])
  })

  it('has no arguments where there are none', () => {
    assert.deepEqual(only('1 getpid() = 1').args, [])
  })

  it('about a signal or an end is no call', () => {
    assert.deepEqual(
      parseTrace('1 --- SIGCHLD {si_signo=SIGCHLD} ---\n1 +++ exited with 0 +++\n'),
      [],
    )
  })

  it('that is not understood is an error', () => {
    for (const line of ['nothing', '1 openat(5</d>, "f" = 3', '1 close(3) = what', '1 f("a) = 0'])
      assert.throws(() => parseTrace(line), /not understood/)
  })
})

describe('a call that another thread interrupted', () => {
  it('is put together again', () => {
    const trace = [
      '1 newfstatat(5</d>, "",  <unfinished ...>',
      '2 openat(5</d>, "f", O_RDONLY <unfinished ...>',
      '1 <... newfstatat resumed>{st_size=1}, AT_EMPTY_PATH) = 0',
      '2 <... openat resumed>)             = 3</d/f>',
    ].join('\n')
    assert.deepEqual(
      parseTrace(trace).map(({ pid, name, args }) => [pid, name, args.length, args.at(-1)]),
      [
        [1, 'newfstatat', 4, 'AT_EMPTY_PATH'],
        [2, 'openat', 3, 'O_RDONLY'],
      ],
    )
  })

  it('is told without a result where its process was killed meanwhile', () => {
    const [call] = parseTrace('1 renameat(5</d>, "a", 5</d>, "b" <unfinished ...>')
    assert.deepEqual([call?.name, call?.args.length, call?.result], ['renameat', 4, '?'])
  })

  it('is an error where only its end is there', () => {
    assert.throws(() => parseTrace('1 <... close resumed>) = 0'), /without a beginning/)
  })
})

describe('an argument', () => {
  it('that is a text is read with its escapes', () => {
    assert.equal(textOf('"a\\"b\\n\\303\\244"'), 'a"b\n\u00c3\u00a4')
    assert.equal(textOf('NULL'), undefined)
    assert.throws(() => textOf('"cut"...'), /cut off/)
  })

  it('that is a descriptor has a path, if it is of a file', () => {
    assert.equal(descriptorPath('5</d/e>'), '/d/e')
    assert.equal(descriptorPath('5</d/e>(deleted)'), '/d/e')
    assert.equal(descriptorPath('AT_FDCWD</d>'), '/d')
    assert.equal(descriptorPath('5<pipe:[7]>'), undefined)
    assert.equal(descriptorPath('5'), undefined)
  })
})

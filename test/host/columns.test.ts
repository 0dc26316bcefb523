import assert from 'node:assert/strict'

import type { RawListings } from '../../lib/addon'
import { rawJobs, rawPlaces, splitNames, targetsOf, toListings } from '../../lib/host/columns'
import { Kind, type Directory, type PairJob, type Place } from '../../lib/host/host'

const at = (base: Directory | string, path = ''): Place => ({ base, path })
const opened = (fd: number): Directory => ({ path: `/open/${fd}`, fd, identity: `1:${fd}` })

/** What cannot cross: it holds a NUL, or is not Unicode. */
const odd = [
  '\0',
  'a\0b',
  'a\0',
  '\0a',
  '\ud800',
  'a\udc00',
  '\ud800b',
  '\udc00\ud800',
  'a\0\ud800',
]
/** What can, however strange it looks. */
const fine = [
  'a',
  ' ',
  '.',
  '..',
  'a\nb',
  '\u{1f600}',
  'é',
  'e\u0301',
  '\ufffd',
  '\uffff',
  '\u0001',
]

type Facts = 'plain' | 'distinct' | 'directories' | 'bytes' | 'fileNameBytes' | 'directoryNameBytes'

describe('columns', () => {
  describe('names', () => {
    const to = at('/dest')
    const carried = (names: readonly string[]): string => rawJobs([{ to, names }]).names

    it('come back as they went', () => {
      assert.deepEqual(splitNames(carried(fine)), fine)
    })

    for (const name of odd)
      it(`are empty where they cannot cross: ${JSON.stringify(name)}`, () => {
        assert.equal(carried(['a', name, 'b']), 'a\0\0b\0')
      })

    it('are no string at all without a name', () => {
      assert.equal(carried([]), '')
      assert.deepEqual(splitNames(''), [])
    })

    it('may be empty, and are a name even so', () => {
      assert.equal(carried(['', '']), '\0\0')
      assert.deepEqual(splitNames('\0\0'), ['', ''])
    })

    it('are not what stands after the last NUL', () => {
      assert.deepEqual(splitNames('a\0b'), ['a'])
    })

    it('may be a hundred thousand', () => {
      const names = Array.from({ length: 100_000 }, (_, index) => `name ${index}`)
      assert.deepEqual(splitNames(carried(names)), names)
    })
  })

  describe('places', () => {
    it('name each start once, in the order of the places', () => {
      const [bases, places] = rawPlaces([
        at('/b', 'x'),
        at(opened(7), 'y'),
        at('/a', ''),
        at('/b', 'z/z'),
        at(opened(7), ''),
      ])
      assert.deepEqual(bases, ['/b', 7, '/a'])
      assert.deepEqual(places.bases, Uint32Array.of(0, 1, 2, 0, 1))
      assert.equal(places.paths, 'x\0y\0\0z/z\0\0')
    })

    it('tell a descriptor from a path of the same letters', () => {
      const [bases, places] = rawPlaces([at('7'), at(opened(7)), at(opened(0)), at('')])
      assert.deepEqual(bases, ['7', 7, 0, ''])
      assert.deepEqual(places.bases, Uint32Array.of(0, 1, 2, 3))
    })

    it('are none where there are none', () => {
      assert.deepEqual(rawPlaces([]), [[], { bases: new Uint32Array(0), paths: '' }])
    })

    for (const path of [...odd, ...odd.map((name) => `a/${name}/b`)])
      it(`have a path that is refused where it cannot cross: ${JSON.stringify(path)}`, () => {
        const [, { paths }] = rawPlaces([at('/b', 'x'), at('/b', path), at('/b', 'y')])
        assert.equal(paths, 'x\0/\0y\0')
      })
  })

  describe('jobs', () => {
    it('of one side have no more than that', () => {
      const jobs = [
        { to: at('/a', 'x'), names: ['a', 'b'] },
        { to: at(opened(3)), names: [] },
        { to: at('/a'), names: ['c'] },
      ]
      assert.deepEqual(rawJobs(jobs), {
        bases: ['/a', 3],
        to: { bases: Uint32Array.of(0, 1, 0), paths: 'x\0\0\0' },
        counts: Uint32Array.of(2, 0, 1),
        names: 'a\0b\0c\0',
      })
    })

    it('of two sides share their starts', () => {
      const jobs: PairJob[] = [
        { from: at('/from', 'x'), to: at(opened(3), 'y'), names: ['a'] },
        { from: at(opened(3)), to: at('/to'), names: ['b', 'c'] },
      ]
      assert.deepEqual(rawJobs(jobs), {
        bases: [3, '/to', '/from'],
        from: { bases: Uint32Array.of(2, 0), paths: 'x\0\0' },
        to: { bases: Uint32Array.of(0, 1), paths: 'y\0\0' },
        counts: Uint32Array.of(1, 2),
        names: 'a\0b\0c\0',
      })
    })

    it('are none where there are none', () => {
      const none = { bases: new Uint32Array(0), paths: '' }
      const counts = new Uint32Array(0)
      // With both sides: an operation that has two would miss the other one.
      assert.deepEqual(rawJobs([]), { bases: [], from: none, to: none, counts, names: '' })
    })

    it('keep their number of names where some cannot cross', () => {
      const jobs = rawJobs([
        { to: at('/to'), names: ['a\0b', 'c'], toNames: ['d', '\ud800'] },
        { to: at('/to'), names: ['e'], toNames: ['f\0'] },
      ])
      assert.deepEqual(jobs.counts, Uint32Array.of(2, 1))
      assert.equal(jobs.names, '\0c\0e\0')
      assert.equal(jobs.toNames, 'd\0\0\0')
    })

    for (const position of [0, 1, 2])
      it(`have the same names in both where only job ${position + 1} of 3 has others`, () => {
        const jobs = [['a', 'b'], [], ['c', '\0']].map((names, index) => ({
          ...{ from: at('/from'), to: at('/to'), names },
          ...(index === position && { toNames: names.map((name) => `${name}2`) }),
        }))
        const texts = [
          ['a2\0b2\0', '', 'c\0\0'],
          ['a\0b\0', '', 'c\0\0'],
          ['a\0b\0', '', 'c2\0\0'],
        ]
        assert.equal(rawJobs(jobs).toNames, texts[position]?.join(''))
      })

    it('have their modes one after the other', () => {
      const jobs = rawJobs([
        { to: at('/to', 'x'), names: ['a', 'b'], modes: Uint32Array.of(0o700, 0o711) },
        { to: at('/to', 'y'), names: [], modes: new Uint32Array(0) },
        { to: at('/to', 'z'), names: ['c'], modes: Uint32Array.of(0o755) },
      ])
      assert.deepEqual(jobs.modes, Uint32Array.of(0o700, 0o711, 0o755))
    })

    it('have modes of their own: a later change of the job is not one of theirs', () => {
      const modes = Uint32Array.of(0o700)
      const jobs = rawJobs([{ to: at('/to'), names: ['a'], modes }])
      modes[0] = 0
      assert.deepEqual(jobs.modes, Uint32Array.of(0o700))
    })

    it('have mode 0 where other jobs have modes', () => {
      const jobs = rawJobs([
        { to: at('/to'), names: ['a'], modes: Uint32Array.of(0o700) },
        { to: at('/to'), names: ['b', 'c'] },
        { to: at('/to'), names: ['d'], modes: Uint32Array.of(0o711) },
      ])
      assert.deepEqual(jobs.modes, Uint32Array.of(0o700, 0, 0, 0o711))
    })
  })

  describe('targets', () => {
    const { File, Symlink, OddLink, Missing } = Kind

    it('belong to the symlinks, in their order', () => {
      const kinds = Uint8Array.of(File, Symlink, OddLink, Symlink, Missing, Symlink)
      const targets = targetsOf(kinds, '../x\0\0/y\0')
      assert.deepEqual(
        [...targets],
        [
          [1, '../x'],
          [3, ''],
          [5, '/y'],
        ],
      )
    })

    it('are none without symlinks', () => {
      assert.equal(targetsOf(Uint8Array.of(File, OddLink), '').size, 0)
      assert.equal(targetsOf(new Uint8Array(0), '').size, 0)
    })
  })

  describe('listings', () => {
    const { File, Directory: Sub, Symlink, Other, OddLink } = Kind
    const calls = ['', 'open', 'fstat', 'scandir']

    const nothingKnown = (length: number): Pick<RawListings, Facts> => ({
      plain: new Uint8Array(length),
      distinct: new Uint8Array(length),
      directories: new Uint32Array(length),
      bytes: new Float64Array(length),
      fileNameBytes: new Uint32Array(length),
      directoryNameBytes: new Uint32Array(length),
    })

    /** Five directories: one that is not there, one with two odd names, none in it, one that fails midway, one more. */
    const raw: RawListings = {
      errnos: Int32Array.of(2, 0, 0, 5, 0),
      calls: Uint8Array.of(1, 0, 0, 2, 0),
      directoryModes: Uint16Array.of(0, 0o755, 0o700, 0o711, 0o1777),
      devices: Float64Array.of(0, 41, 42, 43, 2 ** 40),
      counts: Uint32Array.of(0, 4, 0, 1, 3),
      notUtf8Counts: Uint32Array.of(0, 2, 0, 0, 1),
      ...nothingKnown(5),
      failedNames: '\0\0\0failed\0\0',
      names: 'a\0b\0c\0d\0e\0f\0g\0h\0',
      notUtf8: '\ufffd1\0\ufffd2\0\ufffd3\0',
      kinds: Uint8Array.of(Symlink, File, OddLink, Sub, Symlink, Other, Symlink, Symlink),
      modes: Uint16Array.of(0o777, 1, 2, 3, 4, 5, 6, 7),
      sizes: Float64Array.of(10, 11, 12, 13, 14, 15, 2 ** 50, 17),
      targets: 'to a\0to e\0\0to h\0',
    }
    const listings = toListings(raw, calls)

    it('are windows on the columns of all', () => {
      assert.deepEqual(
        listings.map(({ names, kinds, modes, sizes }) => ({
          ...{ names, kinds: [...kinds], modes: [...modes], sizes: [...sizes] },
        })),
        [
          { names: [], kinds: [], modes: [], sizes: [] },
          {
            names: ['a', 'b', 'c', 'd'],
            kinds: [Symlink, File, OddLink, Sub],
            modes: [0o777, 1, 2, 3],
            sizes: [10, 11, 12, 13],
          },
          { names: [], kinds: [], modes: [], sizes: [] },
          { names: ['e'], kinds: [Symlink], modes: [4], sizes: [14] },
          {
            names: ['f', 'g', 'h'],
            kinds: [Other, Symlink, Symlink],
            modes: [5, 6, 7],
            sizes: [15, 2 ** 50, 17],
          },
        ],
      )
    })

    it('copy no column', () => {
      for (const { kinds, modes, sizes } of listings) {
        assert.equal(kinds.buffer, raw.kinds.buffer)
        assert.equal(modes.buffer, raw.modes.buffer)
        assert.equal(sizes.buffer, raw.sizes.buffer)
      }
    })

    it('have the texts of their own symlinks, by their own indexes', () => {
      assert.deepEqual(
        listings.map(({ targets }) => [...targets]),
        [
          [],
          [[0, 'to a']],
          [],
          [[0, 'to e']],
          [
            [1, ''],
            [2, 'to h'],
          ],
        ],
      )
    })

    it('have their own odd names', () => {
      assert.deepEqual(
        listings.map(({ notUtf8 }) => notUtf8),
        [[], ['\ufffd1', '\ufffd2'], [], [], ['\ufffd3']],
      )
    })

    it('tell what failed, and at which entry', () => {
      assert.deepEqual(
        listings.map(({ errno, syscall, failedName }) => [errno, syscall, failedName]),
        [
          [2, 'open', ''],
          [0, '', ''],
          [0, '', ''],
          [5, 'fstat', 'failed'],
          [0, '', ''],
        ],
      )
    })

    it('tell of the directories themselves', () => {
      assert.deepEqual(
        listings.map(({ mode, device }) => [mode, device]),
        [
          [0, 0],
          [0o755, 41],
          [0o700, 42],
          [0o711, 43],
          [0o1777, 2 ** 40],
        ],
      )
    })

    describe('of plain directories', () => {
      /** Two files and a directory; no file and a directory; one file. */
      const known = (names: readonly string[], bytes: readonly number[]): RawListings => ({
        errnos: new Int32Array(3),
        calls: new Uint8Array(3),
        directoryModes: new Uint16Array(3),
        devices: new Float64Array(3),
        counts: Uint32Array.of(3, 1, 1),
        notUtf8Counts: new Uint32Array(3),
        plain: Uint8Array.of(1, 1, 1),
        distinct: Uint8Array.of(1, 0, 1),
        directories: Uint32Array.of(1, 1, 0),
        bytes: Float64Array.of(7, 0, 5),
        fileNameBytes: Uint32Array.from([0, 2, 4].map((at) => bytes[at] ?? 0)),
        directoryNameBytes: Uint32Array.from([1, 3, 5].map((at) => bytes[at] ?? 0)),
        ...{ failedNames: '\0\0\0', notUtf8: '', targets: '' },
        names: names.map((name) => `${name}\0`).join(''),
        kinds: Uint8Array.of(File, File, Sub, Sub, File),
        modes: new Uint16Array(5),
        sizes: Float64Array.of(3, 4, 0, 0, 5),
      })
      const ascii = ['a', 'bb', 'sub', 'dir', 'c']

      it('tell files from directories, and the bytes of the files', () => {
        const found = toListings(known(ascii, [5, 4, 0, 4, 2, 0]), calls)
        assert.deepEqual(
          found.map(({ plain, distinct }) => [plain, distinct]),
          [
            [{ files: ['a', 'bb'], directories: ['sub'], bytes: 7 }, true],
            [{ files: [], directories: ['dir'], bytes: 0 }, false],
            [{ files: ['c'], directories: [], bytes: 5 }, true],
          ],
        )
      })

      for (const [what, names, bytes] of [
        ['they are ASCII', ascii, [5, 4, 0, 4, 2, 0]],
        ['one of them is not', ['a', 'bé', 'sub', 'dir', 'c'], [6, 4, 0, 4, 2, 0]],
      ] as const)
        it(`names go back as they came where ${what}`, () => {
          for (const { plain } of toListings(known(names, bytes), calls)) {
            const files = plain?.files ?? assert.fail('not plain')
            const back = rawJobs([{ to: at('/dest'), names: files }])
            assert.deepEqual(splitNames(back.names), files)
            assert.deepEqual([...back.counts], [files.length])
          }
        })
    })

    it('are none where there are none', () => {
      const none = {
        errnos: new Int32Array(0),
        calls: new Uint8Array(0),
        directoryModes: new Uint16Array(0),
        devices: new Float64Array(0),
        counts: new Uint32Array(0),
        notUtf8Counts: new Uint32Array(0),
        ...nothingKnown(0),
        ...{ failedNames: '', names: '', notUtf8: '', targets: '' },
        kinds: new Uint8Array(0),
        modes: new Uint16Array(0),
        sizes: new Float64Array(0),
      }
      assert.deepEqual(toListings(none, calls), [])
    })
  })
})

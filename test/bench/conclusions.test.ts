import assert from 'node:assert/strict'

import { conclude } from '../../lib/bench/conclusions'
import { recommend } from '../../lib/bench/recommendation'
import type { Conclusion, Measured, Method, Row } from '../../lib/bench/result'
import { row } from './rows-of'

const ms = (...all: number[]): Partial<Measured>[] => all.map((each) => ({ ms: each }))
const tree = (method: Method, ...all: number[]): Row => row({ work: 'tree', method }, ms(...all))

function about(what: Conclusion['about'], rows: readonly Row[], rounds = 3): Conclusion[] {
  return conclude(rows, rounds).filter((conclusion) => conclusion.about === what)
}

describe('bench conclusions', () => {
  it('say by how much cloning is faster where every round says so', () => {
    const rows = [row({}, ms(1, 1, 1)), row({ method: 'copy' }, ms(200, 210, 220))]
    const [time] = about('time', rows)
    assert.equal(time?.certain, true)
    assert.match(time.text, /64 MiB: cloned in 1 ms, copied in 210 ms; .* 210 × \(200 to 220/)
  })

  it('are none where the rounds contradict each other, and say so', () => {
    const rows = [row({}, ms(1, 1, 5)), row({ method: 'copy' }, ms(2, 2, 4))]
    const [time] = about('time', rows)
    assert.equal(time?.certain, false)
    assert.match(
      time.text,
      /cannot be told: the rounds contradict each other, about 2 × \(0\.8 to 2/,
    )
    assert.equal(about('time', rows).length, 1, 'nor from which size on')
  })

  it('are none of two rounds, nor is anything recommended', () => {
    const rows = [tree('clone', 1, 1), tree('copy', 9, 9)]
    assert.deepEqual(conclude(rows, 2), [
      {
        about: 'time',
        certain: false,
        text: 'Nothing can be concluded from 2 rounds: 3 are the least.',
      },
    ])
    assert.equal(recommend(rows, 2).linkModes, null)
  })

  it('tell from which size on cloning is faster, as long as it is at every greater one', () => {
    const at = (size: number, clone: number[], copy: number[]): Row[] => [
      row({ size }, ms(...clone)),
      row({ size, method: 'copy' }, ms(...copy)),
    ]
    const rows = [
      ...at(1024, [2, 2, 2], [3, 3, 3]),
      ...at(4096, [2, 2, 2], [1, 3, 2]),
      ...at(65536, [2, 2, 2], [3, 3, 3]),
      ...at(2 ** 20, [2, 2, 2], [9, 9, 9]),
    ]
    const texts = about('time', rows).map(({ text }) => text)
    assert.ok(texts.some((text) => text.includes('from 64 KiB on, in every round')))
  })

  it('say why nothing can be cloned, and recommend what can be done', () => {
    const failed = 'EOPNOTSUPP: operation not supported, ficlone'
    const rows = [
      row({}, [], { failed }),
      row({ method: 'copy' }, ms(9, 9, 9)),
      ...[row({ work: 'tree' }, [], { failed }), tree('hardlink', 1, 1, 1), tree('copy', 3, 3, 3)],
    ]
    assert.match(about('time', rows)[0]?.text ?? '', /^Nothing can be cloned here: EOPNOTSUPP/)
    assert.deepEqual(recommend(rows, 3).linkModes, ['hardlink', 'copy'])
    const withoutLinks = rows.filter(({ method }) => method !== 'hardlink')
    assert.deepEqual(recommend(withoutLinks, 3).linkModes, ['copy'])
    assert.equal(recommend([], 3).linkModes, null)
  })

  it('recommend clones where they work, with time and disk of clone, copy and hard link', () => {
    const rows = [tree('clone', 10, 10, 10), tree('copy', 30, 31, 32), tree('hardlink', 5, 5, 5)]
    const { linkModes, text } = recommend(rows, 3)
    assert.deepEqual(linkModes, ['clone', 'copy'])
    assert.match(text, /A clone of the tree takes 10 ms, a copy 31 ms: 3\.1 × \(3 to 3\.2/)
    assert.match(text, /Hard links are faster still, a clone takes 2 × \(2 to 2/)
  })

  it('recommend clones without a word of speed where the rounds see no difference', () => {
    const rows = [tree('clone', 10, 10, 10), tree('copy', 9, 11, 10)]
    const { linkModes, text } = recommend(rows, 3)
    assert.deepEqual(linkModes, ['clone', 'copy'])
    assert.match(text, /Which is faster the rounds do not agree on/)
    assert.equal(about('tree', rows)[0]?.certain, false)
  })

  it('say that copying is faster where it is', () => {
    const rows = [tree('clone', 10, 10, 10), tree('copy', 5, 5, 5)]
    assert.match(recommend(rows, 3).text, /a copy 5 ms, which is less: 0\.5 ×/)
    const files = [row({}, ms(2, 2, 2)), row({ method: 'copy' }, ms(1, 1, 1))]
    assert.match(about('time', files)[0]?.text ?? '', /copying takes 0\.5 × \(0\.5 to 0\.5 in each/)
  })

  it('tell disk used 0 for contents only where the file system counts them, and counts 0 in every round', () => {
    const disk = 16384
    const zero = { disk, data: 0 }
    const [told] = about('disk', [row({}, [zero, zero, zero])])
    assert.deepEqual(told, {
      ...{ about: 'disk', certain: true },
      text: '1 file of 64 MiB by clone: 0 B of disk for contents; with names and block lists 16.4 kB (16.4 kB to 16.4 kB in each round).',
    })
    const [some] = about('disk', [row({}, [zero, zero, { disk, data: 4096 }])])
    assert.doesNotMatch(some?.text ?? '', /0 B of disk/)
    const [uncounted] = about('disk', [row({}, [{ disk }, { disk }, { disk }])])
    assert.match(
      uncounted?.text ?? '',
      /16\.4 kB of disk .*, which is names and block lists, no contents/,
    )
  })

  it('take no figure for disk used from rounds that lie far apart', () => {
    const disks = [1e6, 5e7, -3e6].map((disk) => ({ disk }))
    const [told] = about('disk', [row({}, disks)])
    assert.equal(told?.certain, false)
    assert.match(told.text, /too far apart/)
  })

  it('name the fewest workers that no greater number beats in every round', () => {
    const at = (workers: number, ...all: number[]): Row =>
      row({ work: 'tree', workers }, ms(...all))
    const [two] = about('workers', [at(1, 10, 10, 10), at(2, 5, 6, 7), at(4, 5, 5, 8)])
    assert.match(two?.text ?? '', /2 workers, where one alone takes .*1\.67 ×.*; more, up to 4,/)
    const [one] = about('workers', [at(1, 10, 10, 10), at(2, 5, 11, 7)])
    assert.match(one?.text ?? '', /no number of workers up to 2 is faster than one/)
  })

  it('tell that a fresh source is slower to clone, and how long removal takes', () => {
    const rows = [
      ...[tree('clone', 10, 10, 10), tree('copy', 30, 30, 30)],
      row({ work: 'tree', state: 'fresh' }, ms(20, 20, 20)),
    ]
    assert.match(about('fresh', rows)[0]?.text ?? '', /2 × .*, as it has to be written out first/)
    assert.equal(about('removal', rows)[0]?.certain, false, 'both took 1 ms')
  })

  it("tell that Node's copy shares blocks where it does", () => {
    const blocks = 'shared'
    const rows = [row({ method: 'fs.copyFile' }, ms(1, 1, 1), { blocks })]
    assert.match(about('node', rows)[0]?.text ?? '', /share blocks here, too/)
    assert.deepEqual(about('node', [row({ method: 'fs.copyFile' }, ms(1, 1, 1))]), [])
  })
})

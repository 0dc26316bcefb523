import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import Ajv2020 from 'ajv/dist/2020'
import type { Browser, Locator } from 'playwright-core'
import { methods, type BenchResult, type Row, type Task } from '../../lib/bench/result'
import { describeBench } from '../../lib/bench/text'
import { openPage, startChromium, type WatchedPage } from '../support/chromium'
import { runNode } from '../support/child'
import { describeOn } from '../support/describe-on'
import { itWith } from '../support/needs'
import { orSkip } from '../support/unrunnable'
import { canvasColours } from './canvas-colours'

const root = path.join(__dirname, '..', '..')
const main = path.join(root, 'lib', 'cli', 'main.ts')
const schema = path.join(root, 'schemas', 'bench.json')
const MiB64 = 64 * 2 ** 20

describeOn(['btrfs'], (volume) => {
  describe('reflink-merge bench --quick --json --html', () => {
    let result: BenchResult
    let html: string

    before(async function () {
      this.timeout(300_000)
      const dir = volume.fresh()
      html = path.join(dir, 'report.html')
      const args = ['bench', '--dir', dir, '--quick', '--rounds', '3', '--json', '--html', html]
      const { code, stdout, stderr } = await runNode([main, ...args], { timeout: 290_000 })
      const told = ['rehearsal', 'round 1', 'round 2', 'round 3']
      assert.deepEqual([code, stderr], [0, told.map((line) => `reflink-merge: ${line}\n`).join('')])
      result = JSON.parse(stdout) as BenchResult
      assert.deepEqual(fs.readdirSync(dir), ['report.html'], 'nothing else is left')
    })

    const rowOf = (wanted: Partial<Task>): Row => {
      const keys = Object.keys(wanted) as (keyof Task)[]
      const row = result.rows.find((each) => keys.every((key) => each[key] === wanted[key]))
      assert.ok(row, JSON.stringify(wanted))
      return row
    }

    it('prints JSON that its schema describes', () => {
      const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true })
      const validate = ajv.compile(JSON.parse(fs.readFileSync(schema, 'utf8')) as object)
      assert.ok(validate(result), JSON.stringify(validate.errors, undefined, 2))
      const broken = { ...result, rows: [{ ...result.rows[0], ms: 'fast' }] }
      assert.ok(!validate(broken), 'the schema takes anything')
    })

    itWith(
      'extents',
      'does all that can be done here in every round, and tells what it was',
      () => {
        assert.deepEqual([result.fileSystem, result.rounds, result.cutShort], ['btrfs', 3, false])
        for (const row of result.rows) {
          assert.deepEqual([row.failed, row.rounds.length], [null, 3], JSON.stringify(row))
        }
        const tree = { work: 'tree', workers: null, state: 'settled' } as const
        assert.deepEqual(
          methods.map((method) => rowOf({ ...tree, method }).blocks),
          ['shared', 'linked', 'own', 'shared', 'shared'],
        )
      },
    )

    it('finds a clone of 64 MiB many times as fast as a copy', () => {
      const big = { work: 'sizes', size: MiB64, state: 'settled' } as const
      const [clone, copy] = [rowOf({ ...big, method: 'clone' }), rowOf({ ...big, method: 'copy' })]
      const [fast, slow] = [clone.ms?.median ?? NaN, copy.ms?.median ?? NaN]
      // How many times is a benchmark's business: docs/bench.md has figures.
      assert.ok(slow / fast >= 10, `${String(slow)} ms / ${String(fast)} ms`)
      const told = result.conclusions.find(({ text }) => text.startsWith('A file of 64 MiB'))
      assert.match(told?.text ?? '', /cloning is faster by/)
    })

    it('measures no disk for the contents of clones and links, and all of it for copies', () => {
      for (const work of ['sizes', 'tree'] as const) {
        const size = work === 'sizes' ? MiB64 : null
        const of = (method: Task['method']): Row =>
          rowOf({ work, method, size, state: 'settled', workers: null })
        assert.deepEqual(of('clone').data, { median: 0, min: 0, max: 0 })
        assert.deepEqual(of('hardlink').data, { median: 0, min: 0, max: 0 })
        const { data, bytes } = of('copy')
        // Files of up to 2 KiB lie with the names, others take whole blocks.
        assert.ok((data?.min ?? 0) >= 0.5 * bytes, JSON.stringify(data))
        if (size !== null) assert.equal(data?.min, bytes)
      }
    })

    it('recommends clones, with figures', () => {
      assert.deepEqual(result.recommendation.linkModes, ['clone', 'copy'])
      assert.match(result.recommendation.text, /on disk it takes .* a copy .*B\./)
    })

    for (const width of [80, 110]) {
      it(`is told in lines of at most ${String(width)} columns`, () => {
        const text = describeBench({ ...result, directory: '.' }, width)
        assert.deepEqual(
          text.split('\n').filter((line) => line.length > width),
          [],
        )
        for (const method of ['clone', 'hard link', 'copy', 'fs.cp', 'fs.copyFile']) {
          assert.ok(text.includes(`\n${method}`), method)
        }
        assert.doesNotMatch(text, /undefined|NaN|null/)
      })
    }

    describe('the page', () => {
      let browser: Browser

      before('starts chromium', async function () {
        browser = await orSkip(this, startChromium())
      })
      after(() => browser.close())

      for (const [colorScheme, width] of [
        ['light', 1280],
        ['dark', 1280],
        ['light', 390],
      ] as const) {
        describe(`${colorScheme}, ${String(width)} pixels wide`, () => {
          let watched: WatchedPage

          before(async () => {
            const viewport = { width, height: 900 }
            watched = await openPage(browser, html, { colorScheme, viewport })
          })

          it('renders without an error, and asks nobody for anything', () => {
            assert.deepEqual(watched.complaints, [])
            assert.deepEqual(watched.requests, [`file://${html}`])
          })

          it('draws a line of every method in every chart', async () => {
            const charts = await canvasColours(watched.page)
            assert.equal(charts.length, 3)
            charts.forEach((colours, index) => {
              // fs.cp takes no number of workers.
              const expected = index === 2 ? 4 : 5
              const drawn = colours.filter((pixels) => pixels > 0)
              assert.equal(drawn.length, expected, `chart ${String(index)}: ${String(colours)}`)
            })
          })

          it('has the figures of each chart in a table beside it', async () => {
            const texts = await watched.page.locator('.pair .table table').allInnerTexts()
            assert.equal(texts.length, 3)
            assert.match(texts[0] ?? '', /64 MiB/)
            assert.match(texts[1] ?? '', /64 MiB\s+0 B/)
            assert.match(texts[2] ?? '', /\n1\s+[\d,]+/)
          })

          it('is as light or dark as the system, and no wider than its window', async () => {
            const { background, scroll } = await watched.page.evaluate<{
              background: string
              scroll: number
            }>(`({
              background: getComputedStyle(document.body).backgroundColor,
              scroll: document.documentElement.scrollWidth,
            })`)
            const red = Number(/\d+/.exec(background)?.[0])
            assert.equal(red > 128, colorScheme === 'light', background)
            assert.ok(scroll <= width, String(scroll))
          })
        })
      }

      it('shows what is chosen', async () => {
        const viewport = { width: 1280, height: 900 }
        const { page, complaints } = await openPage(browser, html, { viewport })
        const chooser = (label: string): Locator =>
          page.locator('label', { hasText: label }).locator('select')
        const caption = page.locator('.pair caption').first()
        await chooser('Source').selectOption('fresh')
        assert.match(await caption.innerText(), /^Time of one file, .* written a moment ago$/)
        for (const [choice, expected] of [
          ['Throughput', /^MB a second/],
          ['Removal', /^Time to remove one file, .*settled source$/],
          ['Disk used', /^Disk used by one file/],
        ] as const) {
          await chooser('Show').selectOption(choice)
          assert.match(await caption.innerText(), expected)
        }
        assert.deepEqual(complaints, [])
      })

      it('follows the system from light to dark', async () => {
        const viewport = { width: 1280, height: 900 }
        const { page } = await openPage(browser, html, { colorScheme: 'light', viewport })
        await page.emulateMedia({ colorScheme: 'dark' })
        const [first = []] = await canvasColours(page)
        assert.equal(first.filter((pixels) => pixels > 0).length, 5, String(first))
      })
    })
  })
})

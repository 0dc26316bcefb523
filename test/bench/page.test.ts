import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { Browser, Locator, Page } from 'playwright-core'
import { pageOf } from '../../lib/bench/page'
import { methods, type BenchResult, type Task } from '../../lib/bench/result'
import { tasksOf, wholeScope } from '../../lib/bench/scope'
import { titles } from '../../lib/bench/titles'
import { openPage, startChromium } from '../support/chromium'
import { freshDir } from '../support/fresh'
import { orSkip } from '../support/unrunnable'
import { canvasColours } from './canvas-colours'
import { row } from './rows-of'

/** Figures as long as they get, and all of them with a `~`. */
function longFigures({ size, method }: Task): BenchResult['rows'][number]['rounds'] {
  return [0.5, 1, 2].map((factor) => {
    // A thousand files of the tree in some ms, so that there are many a second. No line hides another.
    const each = 1 - methods.indexOf(method) / 10
    const ms = each * factor * (size === null ? 2.34 : 888)
    const disk = factor * 888e6
    return {
      ...{ ms, user: factor * 888, system: factor * 888, syncMs: factor * 888 },
      ...{ disk, data: disk, removeMs: factor * 888 },
    }
  })
}

function longResult(): BenchResult {
  const scope = { ...wholeScope(), workers: [1, 2, 4, 8, 16, 32] }
  return {
    ...{ format: 1, date: '2026-01-02T03:04:05Z', directory: '/srv/store', fileSystem: 'btrfs' },
    ...{ quick: false, rounds: 3, cutShort: false, seconds: 60 },
    machine: {
      ...{ cpu: 'a processor', cores: 16, memory: 32e9, platform: 'linux', release: '6.18' },
      ...{ node: '24.0.0', version: '0.1.0', addon: true, load: 0.1 },
    },
    tree: { source: null, files: 1000, directories: 50, bytes: 5e6 },
    rows: tasksOf(scope).map((task) => row(task, longFigures(task), { blocks: 'shared' })),
    conclusions: [{ about: 'time', certain: true, text: 'Cloning is faster.' }],
    recommendation: { linkModes: ['clone', 'copy'], text: 'clone, else copy' },
  }
}

interface Boxes {
  readonly page: number
  readonly tables: readonly {
    readonly caption: string
    readonly box: number
    readonly all: number
  }[]
  readonly charts: readonly number[]
}

/** Widths in pixels: what the page, each table and each chart have, and what they would need. */
function measure(page: Page): Promise<Boxes> {
  return page.evaluate<Boxes>(`({
    page: document.documentElement.scrollWidth,
    tables: [...document.querySelectorAll('.table')].map((each) => ({
      caption: each.querySelector('caption').textContent,
      box: each.clientWidth,
      all: each.scrollWidth,
    })),
    charts: [...document.querySelectorAll('.chart')].map((each) => each.clientWidth),
  })`)
}

describe('the page of reflink-merge bench', () => {
  let browser: Browser
  let html = ''

  before('starts chromium', async function () {
    html = path.join(freshDir(), 'report.html')
    fs.writeFileSync(html, pageOf(longResult()))
    browser = await orSkip(this, startChromium())
  })
  after(() => browser.close())

  const open = async (width: number): Promise<Page> => {
    const { page } = await openPage(browser, html, { viewport: { width, height: 900 } })
    await canvasColours(page)
    return page
  }

  for (const width of [900, 1000, 1100, 1150, 1200, 1280, 1400])
    it(`cuts no table, and has room for the charts: ${String(width)} pixels wide`, async () => {
      const { page, tables, charts } = await measure(await open(width))
      assert.equal(tables.length, 5)
      for (const { caption, box, all } of tables)
        assert.ok(all <= box, `${caption}: ${String(all)}`)
      assert.equal(charts.length, 3)
      for (const chart of charts) assert.ok(chart >= 480, String(chart))
      assert.ok(page <= width, String(page))
    })

  it('has charts and tables side by side where both have room', async () => {
    for (const [width, isBeside] of [
      [900, false],
      [1280, true],
    ] as const) {
      const pair = (await open(width)).locator('.pair').first()
      const [chart, table] = await Promise.all(
        ['.chart', '.table'].map((each) => pair.locator(each).boundingBox()),
      )
      assert.ok(chart && table)
      assert.equal(table.x > chart.x + chart.width, isBeside, `${String(width)} pixels`)
    }
  })

  describe('its legends', () => {
    let page: Page
    let chart: Locator

    beforeEach(async () => {
      page = await open(1280)
      chart = page.locator('.chart').first()
    })

    const figures = (): Promise<string[]> => chart.locator('.legend .figure').allInnerTexts()

    it('name the lines before anything is pointed at, each with a piece of its line, and no figure', async () => {
      assert.deepEqual(
        await chart.locator('.legend button').allInnerTexts(),
        methods.map((method) => titles[method]),
      )
      assert.deepEqual(
        await figures(),
        methods.map(() => ''),
      )
      assert.doesNotMatch(await chart.innerText(), /[–:]/)
      const samples = await page.evaluate<{ colour: string; dashes: string }[]>(
        `[...document.querySelector('.legend').querySelectorAll('line')].map((line) => ({
          colour: getComputedStyle(line).stroke,
          dashes: line.getAttribute('stroke-dasharray'),
        }))`,
      )
      assert.equal(new Set(samples.map(({ colour }) => colour)).size, methods.length)
      assert.equal(new Set(samples.map(({ dashes }) => dashes)).size, methods.length)
    })

    it('tell the figures of what is pointed at, as the table has them, and nothing moves', async () => {
      const before = await chart.boundingBox()
      const places = await chart.locator('.legend button').first().boundingBox()
      const box = await chart.locator('.u-over').boundingBox()
      assert.ok(box)
      await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2)
      const rows = page.locator('.pair').first().locator('tbody tr')
      const last = await rows.last().locator('th, td').allInnerTexts()
      assert.equal(await chart.locator('.legend .at').innerText(), `at ${last[0] ?? ''}`)
      assert.deepEqual(
        await figures(),
        last.slice(1).map((cell) => cell.replace(' ~', '')),
      )
      assert.deepEqual(await chart.boundingBox(), before)
      assert.deepEqual(await chart.locator('.legend button').first().boundingBox(), places)
      await page.mouse.move(2, 2)
      assert.deepEqual(
        await figures(),
        methods.map(() => ''),
      )
    })

    it('hide a line and show it again, also once the chart was drawn anew', async () => {
      const drawn = async (): Promise<number> => (await canvasColours(page))[2]?.[2] ?? 0
      const third = page.locator('.chart').nth(2)
      const button = third.locator('button', { hasText: 'copy' }).first()
      assert.ok((await drawn()) > 0)
      await button.click()
      assert.equal(await button.getAttribute('aria-pressed'), 'false')
      assert.equal(await drawn(), 0)
      await page.setViewportSize({ width: 1000, height: 900 })
      assert.equal(await drawn(), 0, 'it came back')
      await button.click()
      assert.ok((await drawn()) > 0)
    })
  })
})

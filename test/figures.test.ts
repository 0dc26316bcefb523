import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import type { Browser } from 'playwright-core'
import { openPage, startChromium } from './support/chromium'
import { runNode } from './support/child'
import { freshDir } from './support/fresh'
import { orSkip } from './support/unrunnable'

const script = path.join(__dirname, '..', 'scripts', 'figures.mjs')

const row = (id: string, median: number, failed: string | null = null): object => {
  return { id, failed, rounds: [{}], ms: { median, min: median - 1, max: median + 1 } }
}

/** What `npm run bench -- --save` writes, with made figures. */
const result = {
  date: '2026-11-24T12:00:00.000Z',
  machine: { cores: 2, kernel: '6.18' },
  corpus: { packages: 1234, files: 5, bytes: 6 },
  rounds: 3,
  volumes: [
    { kind: 'btrfs', rows: [row('merge-copy', 2000), row('merge-clone', 500)] },
    { kind: 'xfs', rows: [row('floor-clone', 1), row('pnpm-clone', 100, 'failed')] },
  ],
}

async function draw(
  measured: unknown,
): Promise<{ svg: string; code: number | null; stderr: string }> {
  const dir = freshDir()
  const [input, output] = [path.join(dir, 'in.json'), path.join(dir, 'out.svg')]
  fs.writeFileSync(input, JSON.stringify(measured))
  const { code, stderr } = await runNode([script, input, '--out', output])
  const svg = fs.existsSync(output) ? fs.readFileSync(output, 'utf8') : ''
  return { svg, code, stderr }
}

describe('npm run figures', () => {
  let browser: Browser

  before('starts chromium', async function () {
    browser = await orSkip(this, startChromium())
  })
  after(() => browser.close())

  it('draws a bar a subject, fastest first, as long as its time', async () => {
    const { svg, code } = await draw(result)
    assert.equal(code, 0)
    assert.match(svg, /Time to place 1,234 npm packages/)
    const values = [...svg.matchAll(/class="value[^"]*"[^>]*>([^<]+)</g)].map((match) => match[1])
    assert.deepEqual(values, ['500 ms', '2.00 s'])
    const [short = NaN, long = NaN] = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(
      (match) => Number(match[1]),
    )
    assert.ok(Math.abs(long / short - 4) < 0.01)
    assert.doesNotMatch(svg, />XFS</, 'nothing of it was measured')
  })

  it('draws dark on light and light on dark, all of it within the picture', async () => {
    const { svg } = await draw(result)
    const file = path.join(freshDir(), 'picture.svg')
    fs.writeFileSync(file, svg)
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints } = await openPage(browser, file, { colorScheme })
      const seen = await page.evaluate<{ fill: string; width: number; right: number }>(`({
        fill: getComputedStyle(document.querySelector('.title')).fill,
        width: document.documentElement.viewBox.baseVal.width,
        right: Math.max(...[...document.querySelectorAll('text, rect, path')].map((each) => {
          const box = each.getBBox()
          return box.x + box.width
        })),
      })`)
      const red = Number(/\d+/.exec(seen.fill)?.[0])
      assert.equal(red > 128, colorScheme === 'dark', seen.fill)
      assert.ok(seen.right <= seen.width, String(seen.right))
      assert.deepEqual(complaints, [])
    }
  })

  it('refuses what is no result of the benchmark, or has nothing to draw', async () => {
    assert.match((await draw({ rows: [] })).stderr, /no result of `npm run bench -- --save`/)
    assert.match((await draw({ ...result, volumes: [] })).stderr, /none of the subjects/)
  })
})

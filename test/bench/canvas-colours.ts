import type { Page } from 'playwright-core'

/**
 * How many pixels of each chart have the colour of each series, as the theme of the page has them now. As text, as it
 * runs in the browser, whose types the tests do not have.
 */
export async function canvasColours(page: Page): Promise<number[][]> {
  await page.waitForSelector('.chart canvas')
  const counts: unknown = await page.evaluate(`(async () => {
    // Two frames: what was asked for is drawn by then.
    for (const _ of [1, 2]) await new Promise((resolve) => requestAnimationFrame(resolve))
    const style = getComputedStyle(document.documentElement)
    const series = [0, 1, 2, 3, 4].map((index) => style.getPropertyValue('--series-' + index).trim())
    const channels = series.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)))
    return [...document.querySelectorAll('.chart canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      return channels.map((channel) => {
        let pixels = 0
        for (let at = 0; at < data.length; at += 4) {
          if (channel.every((value, index) => data[at + index] === value)) pixels++
        }
        return pixels
      })
    })
  })()`)
  return counts as number[][]
}

import fs from 'node:fs'

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { Unrunnable } from './unrunnable'

/** Debian's, which scripts/system-tools.mjs installs. */
const executablePath = '/usr/bin/chromium'

/** A browser without a window. Throws `Unrunnable` where there is none. */
export async function startChromium(): Promise<Browser> {
  if (!fs.existsSync(executablePath)) throw new Unrunnable('chromium is not installed')
  // Root, as CI is, has no sandbox.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/** A page, and all that it asked for or complained of. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: string[]
  readonly requests: string[]
}

export async function openPage(
  browser: Browser,
  file: string,
  options: BrowserContextOptions,
): Promise<WatchedPage> {
  const context = await browser.newContext({ ...options, offline: true })
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(`file://${file}`)
  return { page, complaints, requests }
}

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, type TestContext } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { buildDashboard } from './built-dashboard.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

/** Why tests in a browser cannot run here; undefined where they can. */
export const withoutBrowser = program === undefined ? 'needs Chromium at /usr/bin/chromium' : undefined

/** Maximum time of one step of a test, in ms. */
const stepMs = 20_000

type PageOptions = {
  readonly theme?: 'light' | 'dark'
  /** In CSS pixels. */
  readonly width?: number
  readonly height?: number
  /** The token that the tab begins with. */
  readonly token?: string
}

/**
 * One browser for the tests of a suite, of the dashboard as it is now. A page that logs an error, throws, or breaks its content
 * security policy fails its test.
 */
export function useBrowser() {
  let browser: Browser | undefined

  before(async () => {
    await buildDashboard()
    browser = await chromium.launch({
      ...(program === undefined ? {} : { executablePath: program }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    })
  })
  after(() => browser?.close())

  /** A tab in a profile of its own, which is closed after the test. */
  async function openPage(t: TestContext, url: string, options: PageOptions = {}): Promise<Page> {
    const { theme = 'light', width = 1280, height = 800, token } = options
    const context = await browser!.newContext({ colorScheme: theme, viewport: { width, height } })
    context.setDefaultTimeout(stepMs)
    if (token !== undefined)
      await context.addInitScript((text) => sessionStorage.setItem('mcp-roster token', text), token)
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(String(error.stack)))
    page.on('console', (message) => {
      // A request that fails is no fault of the page: tests stop daemons.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        faults.push(message.text())
    })
    t.after(async () => {
      await context.close()
      assert.deepEqual(faults, [])
    })
    await page.goto(url)
    return page
  }

  return { openPage }
}

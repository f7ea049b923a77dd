import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { median, rounded } from '../figures.ts'
import type { Bench, Measured, Row, Skipped } from '../row.ts'

const serverCount = 50_000
const filesOfServers = 25
const executablePath = '/usr/bin/chromium'
/** Files that are saved, each until its server is shown. */
const saves = 20
/** Frames that are scrolled. */
const frames = 180

/** Runs in the page, as text: the types of a browser are not those of this program. */
const noteLongTasks = `
  globalThis.longTasks = []
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ entryTypes: ['longtask'] })
`
const scrollFrames = `(async () => {
  const scroller = document.querySelector('[data-scroller]')
  const spent = []
  let last = performance.now()
  for (let frame = 0; frame < ${frames}; frame += 1) {
    scroller.scrollTop += 700
    await new Promise(requestAnimationFrame)
    spent.push(performance.now() - last)
    last = performance.now()
  }
  return spent.toSorted((one, other) => one - other)
})()`

/** A daemon with 50,000 servers that are not probed, and the folder that it watches. */
async function openDaemon(bench: Bench) {
  const folder = bench.folder()
  const each = serverCount / filesOfServers
  for (let file = 0; file < filesOfServers; file += 1) {
    const servers = Object.fromEntries(
      Array.from({ length: each }, (_, index) => {
        const at = file * each + index
        const address = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`
        return [`server-${at}`, { url: `http://${address}/mcp`, tags: [`t${at % 50}`], namespace: `team-${at % 40}` }]
      }),
    )
    writeFileSync(join(folder, `servers-${file}.json`), JSON.stringify({ servers }))
  }
  const config = join(bench.folder(), 'config.json')
  writeFileSync(config, JSON.stringify({ sources: [{ type: 'file', paths: [folder] }], health: { enabled: false } }))
  const daemon = await bench.daemon(['--config', config])
  const total = async () => ((await (await fetch(`${daemon.url}/servers?limit=1`)).json()) as { total: number }).total
  while ((await total()) < serverCount) await pause(100)
  return { daemon, folder }
}

/** Runs in a browser what one person does, and measures it; skipped where there is none. */
async function inBrowser(run: (browser: Browser) => Promise<Measured>): Promise<Measured | Skipped> {
  if (!existsSync(executablePath)) return { skipped: `needs ${executablePath}` }
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--js-flags=--expose-gc'],
  })
  try {
    return await run(browser)
  } finally {
    await browser.close()
  }
}

/** Opens the list in a new profile, where tasks longer than 50 ms are noted. */
async function openList(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.addInitScript(noteLongTasks)
  await page.goto(`${url}/ui/servers`)
  return page
}

const now = (page: Page) => page.evaluate(() => performance.now())
const longestTask = (page: Page) =>
  page.evaluate(() => Math.max(0, ...(globalThis as unknown as { longTasks: number[] }).longTasks.splice(0)))

/** First row, whole list, longest tasks and heap, in ms and MB. */
async function measureList(browser: Browser, url: string) {
  const page = await openList(browser, url)
  await page.locator('.virtual .name a').first().waitFor()
  const first = await now(page)
  await page.getByText('50,000 servers', { exact: true }).waitFor()
  const complete = await now(page)
  const loading = await longestTask(page)
  const times = (await page.evaluate(scrollFrames)) as number[]
  const scrolling = await longestTask(page)
  const heap = await page.evaluate(() => {
    ;(globalThis as unknown as { gc: () => void }).gc()
    return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6
  })
  await page.context().close()
  return { first, complete, loading, frame_p95: times[Math.floor(times.length * 0.95)] ?? 0, scrolling, heap }
}

/** Milliseconds from the end of a write until the row is on the page, and what of it the page took after the daemon listed it. */
async function measureSaves(browser: Browser, url: string, folder: string): Promise<readonly number[]> {
  const page = await openList(browser, url)
  await page.getByText('50,000 servers', { exact: true }).waitFor()
  const times: number[] = []
  for (let save = 0; save < saves; save += 1) {
    const name = `0-saved-${save}`
    const shown = page.getByText(`${(serverCount + save + 1).toLocaleString('en')} servers`).waitFor()
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ servers: { [name]: { url: 'http://10.9.9.9/mcp' } } }))
    const begun = performance.now()
    await shown
    times.push(performance.now() - begun)
  }
  await page.context().close()
  return times
}

/** Rows of the dashboard in a real browser, with 50,000 servers. */
export const dashboardRows: readonly Row[] = [
  {
    name: 'The dashboard shows its first of 50,000 rows',
    goal: '≤ 1000 ms',
    reaches: (value) => value <= 1000,
    measure: (bench) =>
      inBrowser(async (browser) => {
        const { daemon } = await openDaemon(bench)
        const runs: Awaited<ReturnType<typeof measureList>>[] = []
        for (let run = 0; run < 5; run += 1) runs.push(await measureList(browser, daemon.url))
        await daemon.stop()
        const of = (key: keyof (typeof runs)[number]) => rounded(median(runs.map((one) => one[key])))
        return {
          value: of('first'),
          unit: 'ms',
          detail: {
            complete_ms: of('complete'),
            longest_task_loading_ms: of('loading'),
            longest_task_scrolling_ms: of('scrolling'),
            frame_p95_ms: of('frame_p95'),
            heap_mb: of('heap'),
          },
        }
      }),
  },
  {
    name: 'File saved → row on the dashboard of 50,000',
    goal: 'p99 ≤ 400 ms',
    reaches: (value) => value <= 400,
    measure: (bench) =>
      inBrowser(async (browser) => {
        const { daemon, folder } = await openDaemon(bench)
        const times = await measureSaves(browser, daemon.url, folder)
        await daemon.stop()
        return { value: Math.max(...times), unit: 'ms', detail: { median_ms: rounded(median(times)), saves } }
      }),
  },
]

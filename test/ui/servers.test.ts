import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

/** A daemon that watches one file of servers. */
async function startWithServers(servers: Readonly<Record<string, object>>) {
  const daemon = await startHere()
  const file = daemon.folder.at('servers.json')
  const write = (next: Readonly<Record<string, object>>) => writeFileSync(file, JSON.stringify({ servers: next }))
  write(servers)
  await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }]\nhealth: { enabled: false }\n`)
  return { ...daemon, write, removeFile: () => rmSync(file) }
}

const at = (port: number, more: object = {}) => ({ url: `http://127.0.0.1:${port}/mcp`, ...more })

describe('the list of servers', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('shows every server, follows each change, and finds by name', async (t) => {
    await using daemon = await startWithServers({ weather: at(1, { tags: ['prod'] }), maps: at(2), mail: at(3) })
    const page = await openPage(t, `${daemon.url}/ui/servers`)
    const names = page.locator('.virtual .name a')
    await page.getByText('3 servers').waitFor()
    assert.deepEqual((await names.allTextContents()).toSorted(), ['mail', 'maps', 'weather'])
    await page.getByText('Live').waitFor()

    daemon.write({ weather: at(1), maps: at(2), news: at(4) })
    await page.locator('[data-id="default/news"]').waitFor()
    await page.locator('[data-id="default/mail"]').waitFor({ state: 'detached' })

    await page.keyboard.press('/')
    await page.keyboard.type('wether')
    await page.getByText('1 of 3 servers').waitFor()
    assert.deepEqual(await names.allTextContents(), ['weather'])
    assert.match(page.url(), /q=wether/)
  })

  it('is accessible in both themes and on a narrow screen', async (t) => {
    await using daemon = await startWithServers({ weather: at(1, { tags: ['prod'] }), maps: at(2) })
    for (const [theme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
    ] as const) {
      const page = await openPage(t, `${daemon.url}/ui/servers?group=source`, { theme, width })
      await page.getByText('weather').waitFor()
      await assertAccessible(page)
    }
  })

  it('a hostile name is text and nothing else', async (t) => {
    const title = '<img src=x onerror=alert(1)>\u202eevil'
    await using daemon = await startWithServers({ weather: at(1, { title, tags: ['<script>alert(1)</script>'] }) })
    const page = await openPage(t, `${daemon.url}/ui/servers`)
    await page.getByText('<script>alert(1)</script>').waitFor()
    assert.equal(await page.locator('.virtual img, .virtual script').count(), 0)
  })
})

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

declare global {
  /** In the page of a test: what its watch has sent. */
  var seen: { text: string }
}

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

  it('comes in gzip, and each change can be read as soon as it arrives', async (t) => {
    await using daemon = await startWithServers({ weather: at(1), maps: at(2) })
    const page = await openPage(t, `${daemon.url}/ui/servers`)

    const encoding = await page.evaluate(async () => {
      const watch = await fetch('/servers/watch')
      globalThis.seen = { text: '' }
      const read = async () => {
        for await (const text of watch.body!.pipeThrough(new TextDecoderStream())) globalThis.seen.text += text
      }
      void read()
      return watch.headers.get('content-encoding')
    })
    await page.waitForFunction(() => globalThis.seen.text.includes('BOOKMARK'))
    for (const name of ['one', 'two', 'three']) {
      daemon.write({ weather: at(1), maps: at(2), [name]: at(4) })
      await page.waitForFunction((text) => globalThis.seen.text.includes(`"${text}"`), name)
    }

    assert.equal(encoding, 'gzip')
  })

  it('sorts, filters and groups as the address says, and pauses', async (t) => {
    const many = Object.fromEntries(
      Array.from({ length: 3000 }, (_, n) => [`s${n}`, at(n + 1, { tags: [n % 2 === 0 ? 'even' : 'odd'] })]),
    )
    await using daemon = await startWithServers(many)
    const page = await openPage(t, `${daemon.url}/ui/servers?sort=-name`)
    const names = page.locator('.virtual .name a')
    await page.getByText('3,000 servers').waitFor()
    assert.equal(await names.first().textContent(), 's2999')
    await page.getByRole('button', { name: /^Name( |$)/ }).click()
    assert.deepEqual((await names.allTextContents()).slice(0, 3), ['s0', 's1', 's2'])
    await page.locator('[data-scroller]').press('End')
    await page.getByText('s2999', { exact: true }).waitFor()
    await page.locator('[data-scroller]').press('Home')

    await names.nth(2).focus()
    await page.locator('[data-scroller]').evaluate((scroller) => scroller.scrollTo(0, 30_000))
    await page.locator('#row-2').waitFor({ state: 'detached' })
    const focused = await page.locator(':focus').getAttribute('role')
    assert.equal(focused, 'table', 'the elements of a focused row are those of another row now')
    await page.locator('[data-scroller]').evaluate((scroller) => scroller.scrollTo(0, 0))

    await page.getByLabel('Filter', { exact: true }).selectOption('tag (all of them)')
    await page.getByPlaceholder('Value').fill('odd')
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByText('1,500 of 3,000 servers').waitFor()
    assert.match(page.url(), /sort=name&tag=odd|tag=odd&sort=name/)
    await page.getByLabel('Group by').selectOption('tag')
    await page.getByRole('button', { name: /odd 1,500/ }).click()
    assert.equal(await names.count(), 0)
    await page.getByRole('button', { name: /odd 1,500/ }).click()
    await names.first().waitFor()
    await page.getByTitle('Remove this filter').click()
    await page.getByText('3,000 servers').waitFor()

    await page.goto(`${daemon.url}/ui/servers?status=bogus&status=unknown&type=ftp&namespace=nowhere`)
    await page.getByText('No server can match status=bogus. It is one of: offline, unhealthy').waitFor()
    await page.getByText('No server can match type=ftp. It is one of: http, sse, stdio.').waitFor()
    const namespace = page.locator('label', { hasText: /^Namespace / }).locator('select')
    assert.equal(await namespace.inputValue(), 'nowhere')
    await assertAccessible(page)
    await page.getByRole('button', { name: 'transport: ftp' }).click()
    await page.getByText('No server can match type').waitFor({ state: 'detached' })
    await namespace.selectOption('all')
    await page.getByText('3,000 servers').waitFor()
    await page.getByRole('button', { name: 'status: bogus' }).click()
    await page.getByText('No server can match status').waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Pause' }).click()
    daemon.write({ ...many, s3000: at(1) })
    await page.getByRole('button', { name: 'Resume (1 change)' }).click()
    await page.getByText('3,001 servers').waitFor()
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

  it('a name with slashes is whole in its row and in its address', async (t) => {
    const capabilities = [{ name: 'read', kind: 'tool' }]
    await using daemon = await startWithServers({ 'io.example/acme/files': at(1, { capabilities }) })
    const page = await openPage(t, `${daemon.url}/ui/servers`)
    await page.locator('.virtual .tools', { hasText: /^1$/ }).waitFor()
    await page.getByRole('link', { name: 'io.example/acme/files' }).click()
    await page.getByRole('heading', { name: 'io.example/acme/files' }).waitFor()
  })
})

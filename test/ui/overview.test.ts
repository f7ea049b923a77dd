import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

/** A daemon that watches a folder, whose files `write` writes. */
async function startWithFolder(more = '') {
  const daemon = await startHere()
  mkdirSync(daemon.folder.at('watched'))
  const write = (name: string, text: string) => writeFileSync(daemon.folder.at(`watched/${name}`), text)
  await daemon.reload(
    `sources: [{ type: file, paths: [${JSON.stringify(daemon.folder.at('watched'))}] }]\nhealth: { enabled: false }\n${more}`,
  )
  return { ...daemon, write }
}

const server = (port: number) => ({ url: `http://127.0.0.1:${port}/mcp`, health_check: 'none' })

describe('the overview and the sources', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('say what to do first, what is broken and where, and that it is mended', async (t) => {
    await using daemon = await startWithFolder()
    const page = await openPage(t, `${daemon.url}/`)
    await page.getByText('Begin here').waitFor()
    await page.getByText(/^Watched now: .*watched$/).waitFor()
    assert.match(page.url(), /\/ui\/$/)

    daemon.write('good.json', JSON.stringify({ servers: { weather: server(1) } }))
    await page.getByText('1 of 1 servers are well').waitFor()
    await page.getByText('Nothing needs attention.').waitFor()

    daemon.write('broken.yaml', 'servers:\n  x: { url: \n')
    await page.getByText('broken.yaml cannot be read').waitFor()
    await page.getByText(/^line \d+, column \d+: /).waitFor()
    await page.getByText('…: ▸{ url:', { exact: true }).waitFor()
    await assertAccessible(page)

    await page.getByText('broken.yaml cannot be read').click()
    await page.getByRole('heading', { name: 'Origins' }).waitFor()
    await page.getByRole('cell', { name: /^■? ?line 2, column 6: .*} is missing.*▸{ url:/ }).waitFor()
    daemon.write('broken.yaml', 'servers:\n  x: { url: "http://127.0.0.1:2/mcp", tags: 3 }\n')
    await page.locator('.rejections').getByText('x:').waitFor()
    await assertAccessible(page)
    daemon.write('broken.yaml', 'servers:\n  x: { url: "http://127.0.0.1:2/mcp", health_check: none }\n')
    await page.getByText('No entry is rejected.').waitFor()

    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByText('2 of 2 servers are well').waitFor()
    await page.getByText('Nothing needs attention.').waitFor()
  })

  it('read sources on demand, where the token may', async (t) => {
    await using daemon = await startWithFolder(
      'auth: { anonymous: none, tokens: [{ name: a, token: admin-0123456789abcdef, role: admin }, { name: r, token: reader-0123456789abcdef, role: reader }] }\n',
    )
    daemon.write('good.json', JSON.stringify({ servers: { weather: server(1) } }))
    const page = await openPage(t, `${daemon.url}/ui/sources`)
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong-token-0123456789')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('The daemon does not accept this token.').waitFor()
    await page.getByRole('textbox', { name: 'Token' }).fill('admin-0123456789abcdef')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByRole('button', { name: 'Read all sources now' }).click()
    await page.getByText('0 added, 0 modified, 0 deleted.').waitFor()
    await page.getByRole('link', { name: 'file', exact: true }).click()
    await page.getByRole('button', { name: 'Read now' }).click()
    await page.getByText('0 added, 0 modified, 0 deleted.').nth(1).waitFor()

    const other = await openPage(t, `${daemon.url}/ui/sources`, { token: 'reader-0123456789abcdef' })
    const button = other.getByRole('button', { name: 'Read all sources now', disabled: true })
    await button.waitFor()
    assert.match((await button.getAttribute('title')) ?? '', /Needs the role admin; this token has reader/)
  })
})

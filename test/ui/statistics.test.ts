import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startMcp } from '../client/connect/mcp-servers.ts'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

describe('the statistics', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('say how well all servers were, why probes failed, and who was worst', async (t) => {
    await using well = await startMcp()
    await using daemon = await startHere()
    const file = daemon.folder.at('servers.json')
    const servers = { well: { url: well.url }, gone: { url: 'http://127.0.0.1:9/mcp' } }
    writeFileSync(file, JSON.stringify({ servers }))
    await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }]\n`)
    await daemon.ask('POST', '/servers/well/probe')
    await daemon.ask('POST', '/servers/gone/probe')

    const page = await openPage(t, `${daemon.url}/ui/statistics`)
    await page.getByText('2 of 2').waitFor()
    await page.getByRole('img', { name: /^Last hour: the worst part was [\d.]+ % available/ }).waitFor()
    await page.getByRole('link', { name: 'refused' }).waitFor()
    const first = page.getByRole('link', { name: /^default\// }).first()
    assert.equal(await first.textContent(), 'default/gone')
    let letGo = () => {}
    await page.route('**/stats?window=7d', (route) => {
      letGo = () => void route.continue()
    })
    const asked = page.waitForRequest('**/stats?window=7d')
    await page.getByRole('button', { name: 'Last week' }).click()
    await asked
    assert.equal(await page.getByText('2 of 2').count(), 0, 'figures of the last hour stand under the last week')
    letGo()
    await page.getByRole('img', { name: /^Last week/ }).waitFor()
    await assertAccessible(page)
  })
})

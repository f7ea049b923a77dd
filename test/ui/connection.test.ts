import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { start, temporary } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { freePort } from '../programs.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

const server = (port: number) => ({ url: `http://127.0.0.1:${port}/mcp`, health_check: 'none' })
const tokens = `auth: { anonymous: none, tokens: [
  { name: admin, token: admin-0123456789abcdef, role: admin },
  { name: reader, token: reader-0123456789abcdef, role: reader } ] }\n`

describe('the connection of the dashboard', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('says that the daemon is away, keeps what it shows, and comes back by itself with what has changed', async (t) => {
    using folder = temporary()
    const file = folder.at('servers.json')
    const write = (...names: string[]) =>
      writeFileSync(
        file,
        JSON.stringify({ servers: Object.fromEntries(names.map((name, at) => [name, server(at + 1)])) }),
      )
    write('weather', 'maps')
    const port = String(await freePort())
    const run = () => start([file, '--port', port], { home: folder.path })
    await using daemon = await run()
    const page = await openPage(t, `${daemon.url}/ui/servers`)
    await page.locator('[data-id="default/weather"]').waitFor()

    daemon.child.kill('SIGKILL')
    await daemon.exited
    await page.getByText(/^Connection lost/).waitFor()
    assert.equal(await page.locator('.virtual [role="row"]').count(), 2)
    await assertAccessible(page)
    // A page whose code was not loaded before.
    await page.getByRole('link', { name: 'Statistics' }).click()
    await page.getByText('This page could not be loaded').waitFor()
    write('weather', 'news')
    await using again = await run()
    assert.equal(again.url, daemon.url)
    await page.getByRole('heading', { name: 'Statistics' }).waitFor()
    await page.getByRole('link', { name: 'Servers', exact: true }).click()
    await page.locator('[data-id="default/news"]').waitFor()
    await page.locator('[data-id="default/maps"]').waitFor({ state: 'detached' })
    await page.getByText('Live', { exact: true }).waitFor()
  })

  it('asks for a token where the daemon does, keeps it for the tab, and explains what the role may not', async (t) => {
    await using daemon = await startHere(tokens)
    const page = await openPage(t, `${daemon.url}/ui/operations`)
    const field = page.getByRole('textbox', { name: 'Token' })
    await field.fill('reader-0123456789abcdef')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('Role reader.').waitFor()
    await assertAccessible(page)

    await page.reload()
    await page.getByText('Role reader.').waitFor()
    const reload = page.getByRole('button', { name: 'Reload the config' })
    assert.equal(await reload.getAttribute('aria-disabled'), 'true')
    assert.match((await reload.getAttribute('title')) ?? '', /Needs the role admin; this token has reader/)

    await page.getByRole('button', { name: 'Use another token' }).click()
    await field.fill('admin-0123456789abcdef')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('Role admin.').waitFor()
    await reload.click()
    await page.getByText('The config is in force.').waitFor()
  })

  it('checks the config before it is taken', async (t) => {
    const env: Record<string, string> = {}
    await using daemon = await startHere('', { env })
    const page = await openPage(t, `${daemon.url}/ui/operations`)
    const check = page.getByRole('button', { name: 'Check config' })
    await check.click()
    await page.getByText('Nothing: it is in force already.').waitFor()

    env['MCP_ROSTER_LIMITS_MAX_CONNECTIONS'] = '77'
    await check.click()
    await page.getByRole('row', { name: 'limits.max_connections 20000 77' }).waitFor()
    await page.getByText('Would apply at the next start only: limits.max_connections.').waitFor()
    await assertAccessible(page)

    env['MCP_ROSTER_LIMITS_MAX_CONNECTIONS'] = 'many'
    await check.click()
    await page.getByText(/Invalid config; the config in force stays.*max_connections.*config_invalid/s).waitFor()
    await page.getByRole('heading', { name: 'What a reload would change' }).waitFor({ state: 'detached' })
  })

  it('tells of a token that is refused after its dialog is closed, and keeps nothing that the token before was told', async (t) => {
    await using daemon = await startHere(tokens)
    const page = await openPage(t, `${daemon.url}/ui/operations`, { token: 'admin-0123456789abcdef' })
    const field = page.getByRole('textbox', { name: 'Token' })
    const another = page.getByRole('button', { name: 'Use another token' })
    await page.getByRole('cell', { name: 'listen.host' }).waitFor()

    await another.click()
    assert.doesNotMatch((await page.getByRole('dialog').textContent()) ?? '', /does not accept/)
    await field.press('Escape')
    await page.getByText('Live', { exact: true }).waitFor()
    // The answers to the next token are held back: nothing of the last one may stand in their place.
    await page.route('**/config', () => undefined)
    await another.click()
    await field.fill('reader-0123456789abcdef')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('Role reader.').waitFor()
    assert.equal(await page.getByRole('cell', { name: 'listen.host' }).count(), 0)

    await another.click()
    await field.fill('unknown-0123456789abcdef')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('The daemon does not accept this token.').waitFor()
    await field.press('Escape')
    await page.getByRole('alert').getByText('The daemon does not accept this token.').waitFor()
    await assertAccessible(page)
    await page.getByRole('button', { name: 'Enter a token' }).click()
    assert.equal(await field.inputValue(), '')
    await field.fill('admin-0123456789abcdef')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('Live', { exact: true }).waitFor()
  })

  it('opens every page, server and action by the keyboard', async (t) => {
    using folder = temporary()
    writeFileSync(
      folder.at('servers.json'),
      JSON.stringify({ servers: { weather: { url: server(1).url }, maps: server(2) } }),
    )
    await using daemon = await startHere(
      `sources: [{ type: file, paths: [${JSON.stringify(folder.at('servers.json'))}] }]\n`,
    )
    const page = await openPage(t, `${daemon.url}/ui/servers?sort=name`)
    await page.getByText('2 servers').waitFor()

    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    assert.match((await page.locator('.tr.active').textContent()) ?? '', /maps/)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/ui\/servers\/default\/maps$/)

    await page.keyboard.press('Control+k')
    await page.keyboard.type('wea')
    await page.getByRole('option', { name: 'default/weather server' }).waitFor()
    await assertAccessible(page)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/ui\/servers\/default\/weather$/)
    await page.keyboard.press('Control+k')
    await page.keyboard.type('reload')
    await page.keyboard.press('Enter')
    await page.getByText('Reload the config: done.').waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('probe maps')
    await page.keyboard.press('Enter')
    await page.getByText('default/maps: This server has no health check.').waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('disable maps')
    await page.getByRole('option', { name: 'Disable default/maps action' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('default/maps: Disabled: it is listed').waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('maps')
    const refused = page.getByRole('option', { name: 'Probe default/maps now A disabled server is not probed.' })
    await refused.and(page.locator('[aria-disabled=true]')).waitFor()
    await page.getByRole('option', { name: 'Enable default/maps action' }).waitFor()
    await assertAccessible(page)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('probe wea')
    await page.keyboard.press('Enter')
    await page.getByText(/^default\/weather: It fails \(.*Nothing listens/).waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.press('Escape')
    await page.getByRole('option').first().waitFor({ state: 'hidden' })
  })
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startMcp } from '../client/connect/mcp-servers.ts'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

describe('adding a server', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('takes a form, shows what it would add before it writes, and how the server is afterwards', async (t) => {
    await using mcp = await startMcp()
    await using daemon = await startHere('sources: [{ type: agents }]\nhealth: { allow: [127.0.0.1/32] }\n')
    const page = await openPage(t, `${daemon.url}/ui/add`)
    await page.getByText('Fill in the form, or paste a config').waitFor()
    await page.getByRole('textbox', { name: 'URL' }).fill(mcp.url)
    await page.getByRole('textbox', { name: 'Headers' }).fill('no header')
    await page.getByText('Line 1 of the headers or the environment has no ":"').waitFor()
    await page.getByRole('textbox', { name: 'Headers' }).fill('X-Key: secret')
    await page.getByRole('cell', { name: `127.0.0.1-${mcp.port}`, exact: true }).waitFor()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('weather & more')
    await page.getByRole('cell', { name: 'weather & more', exact: true }).waitFor()
    await page.getByRole('cell', { name: 'can be added' }).waitFor()
    await page.getByRole('checkbox', { name: 'Add weather & more' }).and(page.locator(':checked')).waitFor()
    await assertAccessible(page)
    assert.deepEqual((await daemon.ask<{ servers: unknown[] }>('GET', '/servers')).body.servers, [])

    await page.getByRole('button', { name: 'Add this server' }).click()
    await page.getByText('One server was added.').waitFor()
    await page.getByRole('cell', { name: /added healthy/ }).waitFor()
    await page.getByRole('link', { name: 'Open' }).click()
    await page.getByRole('heading', { name: 'weather & more' }).waitFor()
    assert.equal(mcp.headers.at(-1)?.['x-key'], 'secret')

    await page.goto(`${daemon.url}/ui/add`)
    await page.getByRole('radio', { name: 'a command that they start' }).check()
    await page.getByRole('textbox', { name: 'Command' }).fill('npx')
    await page.getByRole('textbox', { name: 'Arguments' }).fill('-y\n@scope/files@1.2')
    await page.getByRole('cell', { name: 'npx -y @scope/files@1.2' }).waitFor()
    await page.getByRole('cell', { name: /Commands are not accepted over HTTP.*stdio_forbidden/ }).waitFor()
  })

  it('takes a pasted config as a file is read, each entry for itself, and says why one is not taken', async (t) => {
    await using daemon = await startHere()
    const file = daemon.folder.at('servers.json')
    writeFileSync(file, JSON.stringify({ servers: { taken: { url: 'http://127.0.0.1:1/mcp' } } }))
    await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }]\nhealth: { enabled: false }\n`)
    const hostile = `<img src=x onerror=alert(1)>${'x'.repeat(200)}`
    const page = await openPage(t, `${daemon.url}/ui/add?from=config`, { theme: 'dark', width: 360 })
    const field = page.getByRole('textbox', { name: 'Config of Claude' })
    await field.fill('{ "mcpServers": ')
    await page.getByText(/^This cannot be read: .*line 1/).waitFor()
    await field.fill(
      [
        'mcpServers:',
        '  cursor: { url: "http://127.0.0.1:2/mcp", autoApprove: [a], disabled: true }',
        '  wrong: { url: "ftp://127.0.0.1/" }',
        '  taken: { url: "http://127.0.0.1:3/mcp" }',
        '  none: 3',
        `  ${JSON.stringify(hostile)}: { serverUrl: "http://127.0.0.1:4/mcp" }`,
        '  left: { url: "http://127.0.0.1:5/mcp" }',
      ].join('\n'),
    )
    await page.getByText('There is a server of this name already, from the source file.').waitFor()
    await page.getByText('must be a map of fields, not a number').waitFor()
    await page.getByText('Fields of the client are not kept: autoApprove.').waitFor()
    await page.getByText('line 2, mcpServers.cursor').waitFor()
    await page.getByRole('checkbox', { name: 'Add left' }).uncheck()
    assert.equal(await page.locator('main img').count(), 0)
    await assertAccessible(page)

    await page.getByRole('cell', { name: /url: must be a URL of http or https.*invalid_definition/ }).waitFor()
    await page.getByRole('button', { name: 'Add 2 servers' }).click()
    await page.getByText('2 servers were added.').waitFor()
    const { servers } = (
      await daemon.ask<{ servers: { name: string; enabled: boolean; url: string }[] }>('GET', '/servers')
    ).body
    const enabled = Object.fromEntries(servers.map((server) => [server.name, server.enabled]))
    assert.deepEqual(enabled, { [hostile]: true, cursor: false, taken: true })
  })

  it('is offered to admins only', async (t) => {
    await using daemon = await startHere('auth: { anonymous: reader }\n')
    const page = await openPage(t, `${daemon.url}/ui/add`)
    await page.getByRole('textbox', { name: 'URL' }).fill('http://127.0.0.1:1/mcp')
    await page.getByText('Needs the role admin; this token has reader.').waitFor()
    await page.getByRole('cell', { name: /Role "admin" required.*role_required/ }).waitFor()
    await page.getByRole('button', { name: 'Add' }).and(page.locator('[aria-disabled=true]')).waitFor()
  })
})

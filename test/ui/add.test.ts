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
    await page.getByRole('cell', { name: 'files', exact: true }).waitFor()
    await page.getByRole('cell', { name: /may not introduce commands.*stdio_forbidden/ }).waitFor()
  })

  it('probes a URL before anything is stored, and then takes the name from the server', async (t) => {
    await using mcp = await startMcp({ name: 'forecasts' })
    await using daemon = await startHere('sources: [{ type: agents }]\nhealth: { allow: [127.0.0.1/32] }\n')
    await daemon.ask('POST', '/servers', { name: 'forecasts', url: 'http://127.0.0.1:9/mcp', health_check: 'none' })
    const page = await openPage(t, `${daemon.url}/ui/add`, { theme: 'dark', width: 360 })
    const probe = page.getByRole('button', { name: 'Probe first' })
    await probe.and(page.locator('[aria-disabled=true]')).waitFor()
    const url = page.getByRole('textbox', { name: 'URL' })
    await url.fill(mcp.url.replace('/mcp', ''))
    await mcp.stop()
    await probe.click()
    await page.getByText(/no server found: Nothing listens at this address\. Start the server.* refused/).waitFor()
    await url.fill('http://169.254.169.254/mcp')
    await page.getByText('Nothing listens at this address.').waitFor({ state: 'detached' })
    await probe.click()
    await page.getByText(/no server found: The rules of the daemon forbid this address.* blocked/).waitFor()

    await using again = await startMcp({ name: 'forecasts' })
    await url.fill(again.url)
    await page.getByRole('cell', { name: `127.0.0.1-${again.port}`, exact: true }).waitFor()
    await probe.click()
    await page.getByText(/answers: MCP 2026-07-28 · forecasts 1\.0\.0 · 1 tool · [\d.]+ ms/).waitFor()
    await page.getByRole('cell', { name: 'forecasts-2', exact: true }).waitFor()
    await page.getByText(/answers: MCP/).waitFor()
    await assertAccessible(page)
    assert.equal((await daemon.ask<{ count: number }>('GET', '/servers')).body.count, 1)

    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('forecasts')
    await page.getByRole('cell', { name: /would replace the one of this name/ }).waitFor()
    const chosen = page.getByRole('checkbox', { name: 'Add forecasts' })
    await chosen.and(page.locator(':not(:checked)')).check()
    await page.getByRole('button', { name: 'Add this server' }).click()
    await page.getByText('One server was added.').waitFor()
    const { body } = await daemon.ask('GET', '/servers/forecasts')
    assert.equal(body['url'], again.url)
  })

  it('takes a pasted config as a file is read, each entry for itself, and says why one is not taken', async (t) => {
    await using daemon = await startHere()
    const file = daemon.folder.at('servers.json')
    writeFileSync(file, JSON.stringify({ servers: { taken: { url: 'http://127.0.0.1:1/mcp' } } }))
    await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }]\nhealth: { enabled: false }\n`)
    const hostile = `<img src=x onerror=alert(1)>${'x'.repeat(200)}`
    const page = await openPage(t, `${daemon.url}/ui/add?from=config`, { theme: 'dark', width: 360 })
    const field = page.getByRole('textbox', { name: 'Config of Claude' })
    const sized = (bytes: number) =>
      `servers: { fits: { url: "http://fits.test/mcp" } } #`.padEnd(bytes - 1, 'x') + '\n'
    await field.fill(sized(262_144))
    await page.getByRole('checkbox', { name: 'Add fits' }).waitFor()
    const requests: string[] = []
    page.on('request', (request) => void requests.push(new URL(request.url()).pathname))
    await field.fill(sized(262_145))
    await page.getByText(/^The document has 262,145 bytes; at most 262,144 are taken\./).waitFor()
    assert.equal(await page.getByRole('checkbox', { name: 'Add fits' }).count(), 0)
    await page.getByRole('button', { name: 'Probe first' }).and(page.locator('[aria-disabled=true]')).waitFor()
    assert.ok(!requests.includes('/servers/preview'))
    await field.fill('{ "mcpServers": ')
    await page.getByText(/^The document cannot be read: .*line 1.*invalid_document/).waitFor()
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
    await page
      .getByText(/"default\/taken" belongs to the source "file".*; change it there\. server_owned_by_source/)
      .waitFor()
    await page.getByText('must be a map of fields, not a number').waitFor()
    await page.getByText('Fields that are not kept: autoApprove.').waitFor()
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

  it('is offered to admins only, and to one of a namespace there', async (t) => {
    await using daemon = await startHere(
      'auth: { anonymous: reader, tokens: [{ name: a, token: admin-of-team-a-01, role: admin, namespaces: [team-a] }] }\nhealth: { enabled: false }\n',
    )
    const page = await openPage(t, `${daemon.url}/ui/add`)
    await page.getByRole('textbox', { name: 'URL' }).fill('http://127.0.0.1:1/mcp')
    await page.getByText('Needs the role admin; this token has reader.').waitFor()
    await page
      .getByRole('alert')
      .filter({ hasText: /Role "admin" required.*role_required/ })
      .waitFor()
    await page.getByRole('button', { name: 'Probe first' }).and(page.locator('[aria-disabled=true]')).waitFor()

    const bound = await openPage(t, `${daemon.url}/ui/add`, { token: 'admin-of-team-a-01' })
    await bound.getByText('More', { exact: true }).click()
    await bound.getByPlaceholder('team-a').waitFor()
    await bound.getByRole('textbox', { name: 'URL' }).fill('http://[::1]:1/mcp')
    await bound.getByText(/^This address is on the host of the daemon.*in health\.allow, beside every other/).waitFor()
    await bound.getByRole('textbox', { name: 'URL' }).fill('http://127.0.0.1:1/mcp')
    await bound.getByRole('textbox', { name: 'Name', exact: true }).fill('maps')
    await bound.getByRole('cell', { name: 'maps team-a' }).waitFor()
    await bound.getByRole('button', { name: 'Add this server' }).click()
    await bound.getByText('One server was added.').waitFor()
    assert.equal((await daemon.ask('GET', '/servers/team-a/maps')).status, 200)
  })
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { startMcp, text } from '../client/connect/mcp-servers.ts'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

/** A daemon that watches one file of servers, and probes them. */
async function startWithServers(servers: Readonly<Record<string, object>>, more = '') {
  const daemon = await startHere()
  const file = daemon.folder.at('servers.json')
  const write = (next: Readonly<Record<string, object>>) => writeFileSync(file, JSON.stringify({ servers: next }))
  write(servers)
  await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }, { type: agents }]\n${more}`)
  return { ...daemon, write, file }
}

const manyTools = Array.from({ length: 500 }, (_, index) => `tool_${index}`)

describe('the page of a server', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('says how it is, what it offers and where it comes from, live, until it is removed', async (t) => {
    await using mcp = await startMcp({
      build(server) {
        const inputSchema = z.object({ city: z.string().describe('Name of the city.'), days: z.number().default(3) })
        server.registerTool('forecast', { description: 'Says the weather.', inputSchema }, () => text('sunny'))
        const argsSchema = z.object({ tone: z.string().describe('Dry or warm.'), length: z.string().optional() })
        server.registerPrompt('report', { description: 'Writes a report.', argsSchema }, () => ({ messages: [] }))
        server.registerPrompt('plain', {}, () => ({ messages: [] }))
        const about = { description: 'Every station.', mimeType: 'text/csv' }
        server.registerResource('stations', 'weather://stations', about, () => ({ contents: [] }))
      },
    })
    await using bare = await startMcp()
    await using daemon = await startWithServers({
      weather: { url: mcp.url, tags: ['prod'] },
      bare: { url: bare.url },
    })
    await daemon.ask('POST', '/servers/default/bare/probe')
    await daemon.ask('POST', '/servers/default/weather/probe')
    const page = await openPage(t, `${daemon.url}/ui/servers/default/weather`)
    await page.locator('.reason', { hasText: 'The last probe got an answer.' }).waitFor()
    const timeline = page.getByRole('img', { name: /^(\d+) of \1 probes succeeded; answers took / })
    await timeline.waitFor()
    await page.getByText('Says the weather.').click()
    await page.getByRole('row', { name: /city required string Name of the city/ }).waitFor()
    await page.getByRole('row', { name: /days number default 3/ }).waitFor()
    await page.getByText('Writes a report.').click()
    await page.getByRole('row', { name: /^tone required string Dry or warm/ }).waitFor()
    await page.getByRole('row', { name: /^length string$/ }).waitFor()
    await page.getByText('plain', { exact: true }).click()
    await page.getByText('It takes no arguments.').waitFor()
    await page.getByText('weather://stations', { exact: true }).click()
    await page.getByText(/^URI: weather:..stations\s*Media type: text.csv$/).waitFor()
    await page.getByRole('row', { name: /^hour 100 % [\d.]+ m?s [\d.]+ m?s \d+ 0$/ }).waitFor()
    await page.getByRole('cell', { name: `${daemon.file}, servers.weather` }).waitFor()
    await page.getByText('No other source defines it.').waitFor()
    await page.getByRole('region', { name: 'Definition' }).getByText(`url: ${mcp.url}`).waitFor()
    await assertAccessible(page)

    await mcp.stop()
    await page.getByRole('button', { name: 'Probe now' }).click()
    await page.getByText(/^It fails \(.*\): Nothing listens at this address\./).waitFor()
    await page.locator('.status.degraded').waitFor()
    await page.locator('.reason', { hasText: 'Start the server, or correct host and port' }).waitFor()
    await page.getByRole('img', { name: /The last failure was .* ago: Nothing listens/ }).waitFor()
    await assertAccessible(page)

    const other = await openPage(t, `${daemon.url}/ui/servers/default/bare`)
    await other.getByText('The daemon knows no prompts and no resources of it.').waitFor()
    daemon.write({})
    await page.getByText('This server was removed').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Probe now' }).count(), 0)
    await page.goto(`${daemon.url}/ui/servers/default/nothing`)
    await page.getByText('There is no server default/nothing.').waitFor()
  })

  it('gives each client the text that connects it, without letting a server run anything there', async (t) => {
    const hostile = 'eve $(id) `id` \'"<img src=x onerror=alert(1)>'
    await using daemon = await startWithServers(
      {
        weather: { url: 'http://127.0.0.1:1/mcp?a=$(id)', headers: { authorization: 'Bearer secret' } },
        files: { command: 'npx', args: ['-y', 'files', hostile], env: { TOKEN: 'secret' } },
        [hostile]: { url: 'http://127.0.0.1:2/mcp', title: `${'x'.repeat(200)}<b>bold</b>`, description: hostile },
      },
      'health: { enabled: false }\n',
    )
    const page = await openPage(t, `${daemon.url}/ui/servers/default/weather`)
    const shown = page.locator('.guide pre')
    const choose = async (name: string) => {
      await page.getByRole('group', { name: 'Client' }).getByRole('button', { name, exact: true }).click()
      return page.getByRole('region', { name: `${name}: ` }).textContent()
    }
    const url = 'http://127.0.0.1:1/mcp?a=$(id)'
    const cursor = { mcpServers: { weather: { url, headers: { authorization: '${env:WEATHER_AUTHORIZATION}' } } } }
    assert.deepEqual(JSON.parse((await choose('Cursor'))!), cursor)
    const link = new URL((await page.getByRole('link', { name: 'Install in Cursor' }).getAttribute('href'))!)
    assert.deepEqual(JSON.parse(atob(link.searchParams.get('config')!)), cursor.mcpServers.weather)
    await choose('VS Code')
    const code = await page.getByRole('link', { name: 'Install in VS Code' }).getAttribute('href')
    assert.match(decodeURIComponent(code!), /^vscode:mcp\/install\?\{"name":"weather",.*"inputs":\[\{/)
    assert.match((await choose('Codex'))!, /env_http_headers = \{ "authorization" = "WEATHER_AUTHORIZATION" \}/)
    await page.getByText('Set the variables that env_http_headers names').waitFor()
    assert.match((await choose('Gemini CLI'))!, /"httpUrl": "http/)
    assert.match((await choose('Windsurf'))!, /"serverUrl": "http[^$]*\$\(id\)"[^$]*\$\{env:WEATHER_AUTHORIZATION\}/)
    assert.match((await choose('Zed'))!, /"context_servers"/)
    assert.match((await choose('Claude Desktop'))!, /"mcp-remote"/)
    assert.match(
      (await choose('curl'))!,
      /^curl -sS 'http:[^']*\$\(id\)'[^]*-H "authorization: \$\{WEATHER_AUTHORIZATION\}"/,
    )
    assert.match((await choose('Library'))!, /connectServers\(\{ roster: "http/)
    assert.equal(await choose('URL'), url)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy' }).first().click()
    await page.getByText('Copied.').waitFor()
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), url)
    assert.match((await choose('Claude Code'))!, /^claude mcp add-json weather '\{"type":"http"/)
    await assertAccessible(page)

    await page.goto(`${daemon.url}/ui/servers/default/files`)
    const quoted = JSON.stringify(hostile).replaceAll("'", String.raw`'\''`)
    await page.getByText('The client starts this command').waitFor()
    assert.ok((await shown.textContent())!.includes(quoted), (await shown.textContent())!)
    await page.getByRole('button', { name: 'URL', exact: true }).click()
    await page.getByText('Clients start this server as a command; it has no address.').waitFor()

    const other = await openPage(t, `${daemon.url}/ui/servers/default/${encodeURIComponent(hostile)}`, {
      theme: 'dark',
      width: 360,
    })
    await other.getByRole('heading', { name: '<b>bold</b>' }).waitFor()
    assert.equal(await other.locator('main img, main b').count(), 0)
    assert.ok(await other.evaluate('document.documentElement.scrollWidth <= innerWidth'))
    await assertAccessible(other)
  })

  it('stays quick with five hundred tools, of which few are looked at', async (t) => {
    const capabilities = manyTools.map((name) => ({ name, kind: 'tool', description: `Does ${name}.` }))
    await using daemon = await startWithServers(
      { big: { url: 'http://127.0.0.1:1/mcp', capabilities } },
      'health: { enabled: false }\n',
    )
    const page = await openPage(t, `${daemon.url}/ui/servers/big`)
    await page.getByRole('searchbox', { name: 'Filter' }).fill('tool_49')
    await page.getByRole('heading', { name: 'Tools 11' }).waitFor()
    await page.getByRole('searchbox', { name: 'Filter' }).fill('tool_499')
    await page.getByRole('heading', { name: 'Tools 1', exact: true }).waitFor()
  })

  it('changes a server that was written by hand, and shows what someone else wrote meanwhile', async (t) => {
    await using daemon = await startWithServers(
      { found: { url: 'http://127.0.0.1:1/mcp' } },
      'health: { enabled: false }\n',
    )
    const written = { name: 'mine', url: 'http://127.0.0.1:2/mcp', title: 'One' }
    await daemon.ask('POST', '/servers', written)
    await daemon.ask('POST', '/servers', { ...written, name: 'found' }).then(({ status }) => assert.equal(status, 409))
    const page = await openPage(t, `${daemon.url}/ui/servers/default/found`)
    await page.getByRole('button', { name: 'Edit' }).and(page.locator('[aria-disabled=true]')).waitFor()

    await page.goto(`${daemon.url}/ui/servers/default/mine`)
    await page.getByRole('button', { name: 'Edit' }).click()
    const field = page.getByRole('textbox', { name: 'Definition as JSON' })
    await field.fill('{')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/This is no JSON/).waitFor()
    await daemon.ask('PUT', '/servers/default/mine', { ...written, title: 'Two' })
    await field.fill(JSON.stringify({ ...written, title: 'Three' }, null, 2))
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Someone else changed it meanwhile.').waitFor()
    await page.locator('.diff .left', { hasText: '"title": "Two"' }).waitFor()
    await page.locator('.diff .right', { hasText: '"title": "Three"' }).waitFor()
    await assertAccessible(page)
    await page.getByRole('button', { name: 'Overwrite with mine' }).click()
    await page.getByRole('heading', { name: 'Three' }).waitFor()

    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('Disabled: it is listed, but neither probed nor given to clients.').waitFor()
    await page.getByText('A disabled server is not given to clients.').waitFor()
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.locator('.guide').waitFor()

    await daemon.reload(
      'auth: { anonymous: none, tokens: [{ name: a, token: admin-0123456789abcdef, role: admin }, { name: r, token: reader-0123456789abcdef, role: reader }] }\nhealth: { enabled: false }\n',
    )
    const other = await openPage(t, page.url(), { token: 'reader-0123456789abcdef' })
    const refused = other.locator('[aria-disabled=true][title="Needs the role admin; this token has reader."]')
    await refused.and(other.getByRole('button', { name: 'Delete' })).waitFor()
    assert.equal(await refused.count(), 4)
    const admin = await openPage(t, page.url(), { token: 'admin-0123456789abcdef' })
    await admin.getByRole('button', { name: 'Delete' }).click()
    await admin.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await admin.getByText('This server was removed').waitFor()
    const token = { authorization: 'Bearer admin-0123456789abcdef' }
    assert.equal((await daemon.ask('GET', '/servers/default/mine', undefined, token)).status, 404)
  })

  it('switches a server that a source found, above that source, in every tab, and lets the source decide again', async (t) => {
    await using daemon = await startWithServers(
      { found: { url: 'http://127.0.0.1:1/mcp' } },
      'auth: { anonymous: none, tokens: [{ name: ops, token: admin-0123456789abcdef, role: admin }, { name: viewer, token: reader-0123456789abcdef, role: reader }] }\nhealth: { enabled: false }\n',
    )
    const address = `${daemon.url}/ui/servers/default/found`
    const admin = await openPage(t, address, { token: 'admin-0123456789abcdef' })
    const viewer = await openPage(t, address, { token: 'reader-0123456789abcdef', theme: 'dark', width: 360 })
    const override = (enabled: boolean) => ({
      name: new RegExp(`^above all override enabled: ${enabled}, set by ops .*ago$`),
    })
    await viewer.getByRole('row', { name: /^in force file/ }).waitFor()
    await admin.getByRole('button', { name: 'Disable' }).click()
    await admin.getByText('Disabled: it is listed, but neither probed nor given to clients.').waitFor()
    for (const tab of [admin, viewer]) {
      await tab.locator('.head .badge', { hasText: 'disabled' }).waitFor()
      await tab.getByRole('row', override(false)).waitFor()
      await tab.getByText('A disabled server is not given to clients.').waitFor()
    }
    const refused = viewer.getByRole('button', { name: 'Enable' })
    assert.equal(await refused.getAttribute('aria-disabled'), 'true')
    assert.equal(await refused.getAttribute('title'), 'Needs the role admin; this token has reader.')
    await refused.click({ force: true })
    await assertAccessible(viewer)

    // What the source writes meanwhile does not count.
    daemon.write({ found: { url: 'http://127.0.0.1:1/mcp', title: 'Renamed', enabled: true } })
    await viewer.getByRole('heading', { name: 'Renamed' }).waitFor()
    await viewer.getByRole('row', override(false)).waitFor()

    await admin.getByRole('button', { name: 'Enable' }).click()
    await viewer.getByRole('row', override(true)).waitFor()
    await admin.getByRole('button', { name: 'Remove the override' }).click()
    await admin.getByText('Its own definition decides again.').waitFor()
    for (const tab of [admin, viewer]) await tab.getByRole('row', override(true)).waitFor({ state: 'detached' })
    await viewer.getByRole('row', { name: /^in force file/ }).waitFor()
    const acts = daemon.lines.filter(({ audit, principal }) => audit && principal !== undefined)
    assert.deepEqual(
      acts.map(({ principal, msg }) => `${String(principal)}: ${String(msg)}`),
      [
        'ops: server disabled by an override',
        'ops: server enabled by an override',
        'ops: override of a server removed',
      ],
    )
  })
})

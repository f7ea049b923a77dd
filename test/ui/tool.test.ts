import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { startMcp, text } from '../client/connect/mcp-servers.ts'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

function someTools(server: McpServer): void {
  const inputSchema = z.object({
    city: z.string().describe('Name of the <b>city</b>.'),
    days: z.number().int().default(3),
    units: z.enum(['metric', 'imperial']).optional(),
    alerts: z.boolean().optional(),
    hours: z.array(z.number()).optional(),
    place: z.object({ lat: z.number(), lon: z.number() }).optional(),
    any: z.record(z.string(), z.unknown()).optional(),
  })
  server.registerTool('forecast', { description: 'Says the weather.', inputSchema }, (given) =>
    text(JSON.stringify(given)),
  )
  server.registerTool('picture', { description: 'Draws.' }, () => ({
    content: [
      { type: 'image', mimeType: 'image/png', data: pixel },
      { type: 'resource_link', uri: 'https://example.org/map', name: 'A map' },
      { type: 'resource_link', uri: 'javascript:alert(1)', name: 'No link' },
      { type: 'text', text: '<img src=x onerror=alert(1)>' },
    ],
  }))
  server.registerTool('fail', { description: 'Fails.' }, () => ({ ...text('out of paper'), isError: true }))
}

describe('trying a tool', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('has a field for each argument, shows every kind of answer, and remembers the calls of the tab', async (t) => {
    await using mcp = await startMcp({ build: someTools })
    await using daemon = await startHere()
    const file = daemon.folder.at('servers.json')
    writeFileSync(file, JSON.stringify({ servers: { weather: { url: mcp.url } } }))
    await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }]\n`)
    await daemon.ask('POST', '/servers/default/weather/probe')

    const page = await openPage(t, `${daemon.url}/ui/servers/default/weather`)
    await page.getByText('Says the weather.').click()
    await page.getByRole('link', { name: 'Try it' }).click()
    const result = page.getByRole('region', { name: 'Result' })
    const call = page.getByRole('button', { name: 'Call the tool' })

    await page.getByRole('textbox', { name: 'days' }).fill('1.5')
    await call.click()
    await page.getByText('city is required.').waitFor()
    await page.getByText('days must be a whole number.').waitFor()
    await assertAccessible(page)
    await page.getByRole('textbox', { name: 'city' }).fill('Bern')
    await page.getByRole('textbox', { name: 'days' }).fill('2')
    await page.getByRole('combobox', { name: 'units' }).selectOption('metric')
    await page.getByRole('combobox', { name: 'alerts' }).selectOption('false')
    await page.getByRole('textbox', { name: 'hours' }).fill('6\n18')
    await page.getByRole('textbox', { name: 'lat' }).fill('46.9')
    await page.getByRole('textbox', { name: 'lon' }).fill('7.4')
    await page.getByRole('textbox', { name: 'any' }).fill('{"deep":[1]}')
    await call.click()
    await result.waitFor()
    const values = {
      city: 'Bern',
      days: 2,
      units: 'metric',
      alerts: false,
      hours: [6, 18],
      place: { lat: 46.9, lon: 7.4 },
      any: { deep: [1] },
    }
    assert.deepEqual(JSON.parse((await result.textContent())!), values)
    assert.equal(await page.locator('main b').count(), 0)

    await page.getByRole('button', { name: 'Write JSON' }).click()
    const json = page.getByRole('textbox', { name: 'Arguments' })
    assert.deepEqual(JSON.parse(await json.inputValue()), values)
    await json.fill('{"city":"Thun"')
    await call.click()
    await page.getByText(/is no JSON/).waitFor()
    await json.fill('{"city":"Thun"}')
    await call.click()
    await result.filter({ hasText: 'Thun' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Calls of this tab' }).waitFor()
    await page.getByRole('listitem').filter({ hasText: 'Bern' }).getByRole('button').click()
    assert.equal(await page.getByRole('textbox', { name: 'city' }).inputValue(), 'Bern')
    await assertAccessible(page)

    await page.goto(`${daemon.url}/ui/servers/default/weather/tools/picture`)
    await call.click()
    await page.getByRole('img', { name: 'Image of the answer (image/png)' }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'A map' }).getAttribute('rel'), 'noopener noreferrer')
    assert.equal(await page.getByRole('link', { name: 'No link' }).count(), 0)
    await result.getByText('<img src=x onerror=alert(1)>').waitFor()
    await page.goto(`${daemon.url}/ui/servers/default/weather/tools/fail`)
    await call.click()
    await page.getByText('The tool reports an error.').waitFor()
    await result.getByText('out of paper').waitFor()
  })
})

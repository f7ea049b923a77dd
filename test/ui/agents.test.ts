import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'
import { join, need, tool } from './mesh-agents.ts'

const views = [
  { theme: 'light', width: 1280 },
  { theme: 'dark', width: 1280 },
  { theme: 'light', width: 360 },
] as const

describe('the pages of agents and capabilities', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('show leases, and which provider serves each dependency or why none does, until the provider dies', async (t) => {
    await using daemon = await startHere()
    const page = await openPage(t, `${daemon.url}/ui/agents`)
    await page.getByText('No agents yet.').waitFor()

    // Lives for as long as its heartbeats are sent: this one sends none.
    const short = { timeout_threshold: 2, eviction_threshold: 2, health_interval: 1 }
    await join(daemon, 'maps-1', [tool('maps', { version: '2.0.0' })])
    await join(daemon, 'greeter', [
      tool('greeting', { dependencies: [need('clock'), need('maps', { version: '>=3.0.0' })] }),
    ])
    await join(daemon, 'clock-1', [tool('clock')], short)
    const row = page.locator('[data-id="greeter"]')
    await row.getByText('1 of 2 unresolved').waitFor()
    await row.getByText(/^\d+ s left$/).waitFor()
    await page
      .locator('[data-id="clock-1"]')
      .getByText(/lapsed/)
      .waitFor()
    await row.getByText('2 of 2 unresolved').waitFor()
    await assertAccessible(page)

    await page.getByRole('link', { name: 'greeter' }).click()
    const [clock, maps] = [page.locator('.needs > li').nth(0), page.locator('.needs > li').nth(1)]
    await clock.getByText('not healthy, status offline').waitFor()
    await maps.getByText('its version does not fit').waitFor()
    await join(daemon, 'clock-1', [tool('clock')])
    await clock.getByRole('link', { name: 'clock-1' }).first().waitFor()
    await clock.getByText('unresolved').waitFor({ state: 'detached' })
    await daemon.ask('POST', '/heartbeat', { agent_id: 'greeter', metadata: { load: 0.5, password: 'canary-1234' } })
    await page.getByText('"load": 0.5').waitFor()
    assert.doesNotMatch(await page.content(), /canary/)

    await page.getByRole('link', { name: 'maps-1' }).click()
    await page.getByText('It needs no other agent.').waitFor()
    assert.match(page.url(), /\/ui\/agents\/maps-1$/)

    await page.getByRole('button', { name: 'Unregister' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unregister' }).click()
    await page.getByText('maps-1 is unregistered.').waitFor()
    await page.locator('[data-id="maps-1"]').waitFor({ state: 'detached' })
    assert.equal((await daemon.get('/agents/maps-1')).status, 404)
  })

  it('offer no action to a token that may not, and follow as soon as a token is given', async (t) => {
    const reader = 'reader-0123456789abcdef'
    const registrar = 'registrar-0123456789abcdef'
    await using daemon = await startHere(
      `auth: { anonymous: none, tokens: [{ name: r, token: ${reader}, role: reader }, { name: w, token: ${registrar}, role: registrar }] }\n`,
    )
    const headers = { authorization: `Bearer ${registrar}` }
    await daemon.ask('POST', '/agents/register', { agent_id: 'clock-1', tools: [tool('clock')] }, headers)
    const page = await openPage(t, `${daemon.url}/ui/events`)
    await page.getByRole('textbox', { name: 'Token' }).fill(reader)
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.locator('.feed').getByRole('link', { name: 'clock-1' }).click()
    const button = page.getByRole('button', { name: 'Unregister' })
    await button.and(page.locator('[title^="Needs the role registrar"]')).click({ force: true })
    assert.equal(await page.getByRole('dialog').count(), 0)
  })

  it('tell a lease by the clock of the daemon where that of the browser is wrong', async (t) => {
    await using daemon = await startHere()
    await join(daemon, 'clock-1', [tool('clock')], { timeout_threshold: 100, eviction_threshold: 200 })
    const page = await openPage(t, 'about:blank')
    await page.clock.install({ time: Date.now() + 3_600_000 })
    await page.goto(`${daemon.url}/ui/agents/clock-1`)
    await page.getByText(/^(1 min|\d\d s) left$/).waitFor()
    await page.getByText('1 h ago').waitFor({ state: 'detached' })
  })

  it('ask for nothing while an answer is under way, however much changes', async (t) => {
    await using daemon = await startHere()
    await join(daemon, 'clock-1', [tool('clock')])
    const page = await openPage(t, `${daemon.url}/ui/agents`)
    await page.locator('[data-id="clock-1"]').waitFor()
    const gate = Promise.withResolvers<void>()
    await page.route(/\/agents\?/, (route) => gate.promise.then(() => route.continue()), { times: 1 })
    await Promise.all([page.waitForRequest(/\/agents\?/), join(daemon, 'clock-2', [tool('clock')])])
    const another = page.waitForRequest(/\/agents\?/, { timeout: 1500 })
    await join(daemon, 'clock-3', [tool('clock')])
    await assert.rejects(another, /Timeout/)
    gate.resolve()
    await page.locator('[data-id="clock-3"]').waitFor()
  })

  it('show who offers a capability, healthy ones first, in both themes and on a narrow screen', async (t) => {
    await using daemon = await startHere()
    const hostile = '<img src=x onerror=alert(1)>\u202eevil'
    await join(daemon, 'clock-1', [tool('clock', { version: '1.0.0' })], {
      timeout_threshold: 1,
      eviction_threshold: 1,
    })
    await join(daemon, 'clock-2', [tool('clock', { version: '1.2.0', tags: ['fast'], description: hostile })])
    await join(daemon, 'maps-1', [tool('maps')])
    for (const view of views) {
      const page = await openPage(t, `${daemon.url}/ui/capabilities`, view)
      const clock = page.locator('[data-name="clock"]')
      await clock.getByText('1 of 2 healthy').waitFor()
      assert.deepEqual(await clock.locator('.offers a').allTextContents(), ['clock-2', 'clock-1'])
      assert.deepEqual(await clock.locator('.versions').allTextContents(), ['1.2.0, 1.0.0'])
      assert.equal(await page.locator('main img').count(), 0)
      await assertAccessible(page)

      await page.getByRole('searchbox').fill('MAP')
      await page.getByText('1 of 2 capabilities').waitFor()
      await page.locator('[data-name="maps"]').waitFor()
      await page.goto(`${daemon.url}/ui/agents/clock-2`)
      await page.getByText(hostile).waitFor()
      await assertAccessible(page)
    }
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'
import { join, need, tool } from './mesh-agents.ts'

describe('the graph of dependencies', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('shows who needs whom with replicas folded, and turns an arrow red when the provider dies', async (t) => {
    await using daemon = await startHere()
    await join(daemon, 'clock-1a', [tool('clock')])
    await join(daemon, 'clock-2b', [tool('clock')])
    await join(daemon, 'mailer', [tool('mail')], { timeout_threshold: 3, eviction_threshold: 3, health_interval: 1 })
    await join(daemon, 'greeter', [tool('greeting', { dependencies: [need('clock'), need('mail'), need('absent')] })])
    const page = await openPage(t, `${daemon.url}/ui/graph`)
    const box = (name: RegExp) => page.locator('.drawing').getByRole('link', { name })

    await box(/clock\s*×2/).waitFor()
    await box(/absent\s*unresolved/).waitFor()
    await box(/mailer/).waitFor()
    await page.getByText('4 agents, 1 unresolved').waitFor()
    assert.equal(await page.locator('.line:not(.missing)').count(), 2)
    await box(/mail\s*unresolved/).waitFor()
    await page.getByText('4 agents, 2 unresolved').waitFor()
    const cells = await page.locator('.dependencies tbody td:nth-child(2)').allTextContents()
    assert.deepEqual(cells, ['absent', 'mail', 'clock'])

    await page.locator('.drawing').focus()
    const width = () => page.locator('.canvas').evaluate((canvas) => canvas.getBoundingClientRect().width)
    const before = await width()
    await page.keyboard.press('+')
    assert.ok((await width()) > before)
    await page.keyboard.press('0')
    assert.equal(await width(), before)
    await page
      .getByRole('row', { name: /absent/ })
      .getByRole('link', { name: 'Why?' })
      .click()
    await page.getByText('no agent offers this capability').waitFor()
  })

  it('is accessible in both themes and on a narrow screen, and a hostile name is text and nothing else', async (t) => {
    await using daemon = await startHere()
    const hostile = '<img src=x onerror=alert(1)>\u202eevil'
    await join(daemon, 'clock-1', [tool('clock')])
    await join(daemon, 'maps', [tool('maps', { dependencies: [need('clock'), need(hostile)] })], { namespace: 'team' })
    for (const [theme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
    ] as const) {
      const page = await openPage(t, `${daemon.url}/ui/graph`, { theme, width })
      await page.locator('.box', { hasText: hostile }).waitFor()
      assert.equal(await page.locator('main img').count(), 0)
      await assertAccessible(page)
    }
  })

  it('folds 500 agents by namespace, and shows one with its neighbours', async (t) => {
    await using daemon = await startHere()
    for (let at = 0; at < 500; at += 1) {
      const group = Math.floor(at / 5)
      const dependencies = [1, 2, 3].map((step) => need(`capability-${(group * 7 + step * 13) % 120}`))
      await join(daemon, `agent-${group}-${at % 5}`, [tool(`capability-${group}`, { dependencies })], {
        namespace: `team-${group % 8}`,
      })
    }
    const page = await openPage(t, `${daemon.url}/ui/operations`)
    await page.getByRole('link', { name: 'Dependencies' }).click()
    await page.locator('.box', { hasText: 'team-0' }).waitFor()
    await page.getByRole('searchbox').fill('agent-42')
    await page
      .getByRole('row', { name: /agent-42/ })
      .first()
      .getByRole('link', { name: 'Show around it' })
      .click()
    await page.locator('.box.centre', { hasText: 'agent-42' }).waitFor()
    const boxes = await page.locator('.box').count()
    assert.ok(boxes > 2 && boxes <= 40, `${boxes} boxes`)
    const rows = await page.locator('.dependencies tbody tr').count()
    assert.ok(rows > 2 && rows < 100, `${rows} rows`)
    await page.getByRole('link', { name: 'Namespaces' }).click()
    await page.locator('.box', { hasText: 'team-3' }).click()
    await page.getByRole('heading', { name: 'Namespace team-3' }).waitFor()
    await page.locator('.box', { hasText: 'agent-3' }).first().waitFor()
    await page.locator('.box', { hasText: 'team-2' }).waitFor()
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { temporary } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'
import { join, need, tool } from './mesh-agents.ts'

describe('the page of events', { skip: withoutBrowser }, () => {
  const { openPage } = useBrowser()

  it('follows what happens, filters it, pauses, and pages back', async (t) => {
    await using daemon = await startHere()
    for (let at = 0; at < 101; at += 1) await join(daemon, `agent-${at}`, [tool('clock')])
    const page = await openPage(t, `${daemon.url}/ui/events`)
    const lines = page.locator('.feed > li')
    await lines.first().getByRole('link', { name: 'agent-100' }).waitFor()
    assert.equal(await lines.count(), 100)

    await join(daemon, 'greeter', [tool('greeting', { dependencies: [need('clock', { version: '>=9' })] })])
    await lines.first().getByText('clock → unresolved').waitFor()
    await lines.nth(1).getByRole('link', { name: 'greeter' }).waitFor()
    const ids = await lines.evaluateAll((all) => all.map((line) => Number(line.getAttribute('data-event'))))
    assert.deepEqual(
      ids,
      ids.toSorted((one, other) => other - one),
    )

    await page.getByRole('button', { name: 'Pause' }).click()
    await join(daemon, 'later', [tool('clock')])
    await page.getByRole('button', { name: 'rewired' }).click()
    await page.waitForURL(/type=rewired/)
    await page.getByText('clock → unresolved').waitFor()
    assert.equal(await lines.count(), 1)
    await lines.getByText('Details').click()
    await lines.getByText('"capability": "clock"').waitFor()
    await page.getByRole('link', { name: 'Clear filters' }).click()
    await lines.first().getByRole('link', { name: 'later' }).waitFor()
    await join(daemon, 'last', [tool('clock')])
    await page.getByRole('button', { name: 'Resume' }).click()
    await lines.first().getByRole('link', { name: 'last' }).waitFor()

    await page.getByRole('link', { name: 'Older' }).click()
    await page.getByText('Events of an earlier time').waitFor()
    await lines.last().getByRole('link', { name: 'agent-0' }).waitFor()
    await page.getByRole('link', { name: 'Newest' }).click()
    await page.getByRole('searchbox', { name: 'Agent' }).fill('agent-7')
    await page.keyboard.press('Enter')
    await page.waitForURL(/agent_id=agent-7/)
    await lines.nth(1).waitFor({ state: 'detached' })
    await lines.first().getByRole('link', { name: 'agent-7' }).click()
    await page.getByRole('heading', { name: 'agent-7' }).waitFor()
  })

  it('keeps what it shows while the daemon is away, and goes on where it was', async (t) => {
    using folder = temporary()
    const first = await startHere('', { folder })
    await join(first, 'before', [tool('clock')])
    const page = await openPage(t, `${first.url}/ui/events`)
    await page.getByRole('link', { name: 'before' }).waitFor()
    await first[Symbol.asyncDispose]()
    await page.locator('main').getByText('unreachable').waitFor()
    await page.getByRole('link', { name: 'before' }).waitFor()
    await using second = await startHere('', { folder, port: Number(new URL(first.url).port) })
    await join(second, 'after', [tool('clock')])
    await page.locator('.feed > li').first().getByRole('link', { name: 'after' }).waitFor()
    await page.getByRole('link', { name: 'before' }).waitFor()
    await page.locator('main').getByText('unreachable').waitFor({ state: 'detached' })
  })

  it('says why a filter is refused, and is accessible in both themes and on a narrow screen', async (t) => {
    await using daemon = await startHere()
    await join(daemon, 'clock-1', [tool('clock')])
    await join(daemon, 'greeter', [tool('greeting', { dependencies: [need('clock', { version: '>=9' })] })])
    for (const [theme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
    ] as const) {
      const page = await openPage(t, `${daemon.url}/ui/events`, { theme, width })
      await page.getByText('clock → unresolved').waitFor()
      await assertAccessible(page)
      await page.goto(`${daemon.url}/ui/events?since=never`)
      await page.getByText('since: must be a time').waitFor()
      await page.getByText('invalid_parameter').waitFor()
    }
  })
})

import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { postgresMissing, startPostgres } from '../stores/databases/postgres.ts'
import { assertAccessible } from './axe.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

describe('the members on the page of operations', { skip: withoutBrowser ?? postgresMissing() }, () => {
  const { openPage } = useBrowser()

  it('shows the daemons on one database with the leader, and follows one that leaves', async (t) => {
    await using server = await startPostgres()
    const url = await server.create()
    const config = (id: string) =>
      `store: { type: postgres, url: '${url}' }\ncluster: { id: ${id}, retry_period: 0.2 }\n`
    await using daemon = await startHere(config('here'))
    const other = await startHere(config('there'))

    const page = await openPage(t, `${daemon.url}/ui/operations`)
    const rows = page.locator('table', { hasText: 'Renewed' }).locator('tbody tr')
    await rows.filter({ hasText: 'there' }).waitFor()
    await rows.filter({ hasText: 'here (this daemon)' }).waitFor()
    await rows.filter({ hasText: 'leader' }).first().waitFor()
    await page.getByText('This daemon last read what others wrote').waitFor()
    await assertAccessible(page)

    await other[Symbol.asyncDispose]()
    await rows.filter({ hasText: 'there' }).waitFor({ state: 'detached' })
    await rows.filter({ hasText: 'here (this daemon)' }).filter({ hasText: 'leader' }).waitFor()
    await page.getByText(/Last takeover, of the (leader from|targets of) there/).waitFor()
  })
})

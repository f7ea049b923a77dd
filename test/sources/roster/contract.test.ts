import { keepsTheSourceContract } from '../../contracts/source.ts'
import { openTestRoster, openRosterSource } from './test-roster.ts'

keepsTheSourceContract({
  name: 'roster',
  watches: true,
  open: async (names) => {
    const remote = await openTestRoster({ servers: names.map((name) => ({ name })) })
    const { source, httpClient } = openRosterSource({ url: remote.url })
    let listed = names
    let isUp = true
    return {
      source,
      publish(next) {
        remote.change(
          next.map((name) => ({ name })),
          listed.filter((name) => !next.includes(name)),
        )
        listed = next
      },
      async break() {
        isUp = false
        await remote.stop()
      },
      async heal() {
        isUp = true
        await remote.start()
      },
      async close() {
        await httpClient.close()
        if (isUp) await remote.stop()
      },
    }
  },
})

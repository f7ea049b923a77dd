import { keepsTheSourceContract } from '../../contracts/source.ts'
import { openFar, sourceFor } from './test-roster.ts'

keepsTheSourceContract({
  name: 'roster',
  watches: true,
  open: async (names) => {
    const far = await openFar({ servers: names.map((name) => ({ name })) })
    const { source, httpClient } = sourceFor({ url: far.url })
    let listed = names
    let isUp = true
    return {
      source,
      publish(next) {
        far.change(
          next.map((name) => ({ name })),
          listed.filter((name) => !next.includes(name)),
        )
        listed = next
      },
      async break() {
        isUp = false
        await far.stop()
      },
      async heal() {
        isUp = true
        await far.start()
      },
      async close() {
        await httpClient.close()
        if (isUp) await far.stop()
      },
    }
  },
})

import type { JournalEvent } from '../../src/journal/event.ts'
import { createJournal } from '../../src/journal/journal.ts'
import { silent } from '../../src/log.ts'
import type { EventQuery, NewEvent } from '../../src/stores/event.ts'
import type { Duty, Fence } from '../../src/stores/member.ts'
import { openMemory } from '../../src/stores/memory.ts'
import { type Store, StoreUnavailable } from '../../src/stores/store.ts'

/** An event of a server; override what matters. */
export function statusOf(server: string, fields: Partial<JournalEvent> = {}): JournalEvent {
  return { type: 'status', namespace: 'default', server, source: 'file', reason: 'refused', ...fields }
}

/** A journal on a store in memory that can go down, on a clock that the test moves. */
export function createTestJournal({ enabled = true, duty }: { enabled?: boolean; duty?: Duty } = {}) {
  const prunings: (Fence | undefined)[] = []
  const memory = openMemory({ log: silent })
  const appends: NewEvent[][] = []
  let problem: Error | undefined
  let time = 1000
  const store: Pick<Store, 'appendEvents' | 'events' | 'pruneEvents'> = {
    appendEvents: async (events) => {
      if (problem) throw problem
      appends.push([...events])
      await memory.appendEvents(events)
    },
    events: async (query) => {
      if (problem) throw problem
      return memory.events(query)
    },
    pruneEvents: async (limits, fence) => {
      prunings.push(fence)
      await memory.pruneEvents(limits, fence)
    },
  }
  const logged: string[] = []
  const settings = { enabled, maxRows: 1000, maxAgeMs: 3_600_000 }
  const log = { error: (_: object, text: string) => void logged.push(text), warn: () => {} }
  const journal = createJournal({
    opening: Promise.resolve(store),
    settings: () => settings,
    ...(duty && { duty }),
    log: log as unknown as typeof silent,
    now: () => time,
  })

  return {
    ...journal,
    settings,
    logged,
    appends,
    prunings,
    /** Stores events as another replica does. */
    appendForeign: memory.appendEvents,
    advance: (ms: number) => void (time += ms),
    fail: (error: Error | undefined = new StoreUnavailable('down')) => void (problem = error),
    recover: () => void (problem = undefined),
    /** The stored events, oldest first, without ids and times. */
    async stored(filter: EventQuery['filter'] = {}): Promise<Record<string, unknown>[]> {
      const { events } = await journal.read({ filter, limit: 10_000, after: '0' })
      return events.map(({ id: _id, at: _at, body, ...columns }) => ({ ...columns, ...JSON.parse(body) }))
    },
    [Symbol.asyncDispose]: async () => {
      await journal[Symbol.asyncDispose]()
      await memory[Symbol.asyncDispose]()
    },
  }
}

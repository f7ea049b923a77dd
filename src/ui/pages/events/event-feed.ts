import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { EventList, JournalEvent } from '../../../client/index.ts'
import { ApiError, request } from '../../data/api.ts'
import { servers } from '../../data/live-servers.ts'
import { token } from '../../data/session.ts'

/** Events of one page, and at most on a page that follows. */
const pageSize = 100
const maxShown = 300
/** Pauses between two questions for new events, in ms: as a rule, and after a change of servers. */
const everyMs = 2000
const changeMs = 300

export type EventFeed = {
  /** The newest first; undefined until the first answer. */
  readonly events: readonly JournalEvent[] | undefined
  readonly hasOlder: boolean
  readonly error: ApiError | undefined
}

/** Lists events, the newest first. Without `before` new ones are added as they come, while the tab is seen and not paused. */
export function useEventFeed(query: string, { before, isPaused }: { before: string; isPaused: boolean }): EventFeed {
  const feed = useSignal<EventFeed>({ events: undefined, hasOlder: false, error: undefined })
  const paused = useSignal(isPaused)
  paused.value = isPaused
  // What the former token was refused, another may be given.
  const bearer = token.value

  useEffect(() => {
    const stopping = new AbortController()
    let lastId: string | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let dueAt = Number.POSITIVE_INFINITY

    const ask = (more: Readonly<Record<string, string>>) => {
      const parameters = new URLSearchParams(query)
      for (const [name, value] of Object.entries(more)) parameters.set(name, value)
      return request<EventList>(`events?${parameters.toString()}`, { signal: stopping.signal })
    }

    async function readPage(): Promise<void> {
      const page = await ask({ limit: String(pageSize), ...(before !== '' && { before }) })
      lastId = page.last_id
      feed.value = { events: page.events, hasOlder: page.events.length === pageSize, error: undefined }
    }

    async function readNew(after: string): Promise<void> {
      const { events, last_id, missed = false } = await ask({ limit: String(pageSize), after })
      if (missed) return readPage()
      lastId = last_id
      const { events: known = [], hasOlder, error } = feed.peek()
      if (events.length > 0) {
        const all = [...events.toReversed(), ...known]
        feed.value = {
          events: all.slice(0, maxShown),
          hasOlder: hasOlder || all.length > maxShown,
          error: undefined,
        }
      } else if (error) feed.value = { ...feed.peek(), error: undefined }
      if (events.length === pageSize) await readNew(last_id)
    }

    function schedule(ms: number): void {
      const at = performance.now() + ms
      if (dueAt <= at || stopping.signal.aborted) return
      clearTimeout(timer)
      dueAt = at
      timer = setTimeout(() => void read(), ms)
    }

    async function read(): Promise<void> {
      // Until the answer is here, changes ask for nothing.
      dueAt = 0
      try {
        if (lastId === undefined) await readPage()
        else if (!document.hidden && !paused.peek()) await readNew(lastId)
      } catch (error) {
        if (stopping.signal.aborted) return
        const failure = error instanceof ApiError ? error : new ApiError(String(error), { code: '', status: 0 })
        feed.value = { ...feed.peek(), error: failure }
        // Another journal: the store was replaced.
        if (failure.code === 'index_expired') lastId = undefined
        else if (failure.status >= 400 && failure.status < 500 && failure.status !== 429) return
      }
      dueAt = Number.POSITIVE_INFINITY
      if (before === '' || lastId === undefined) schedule(everyMs)
    }

    feed.value = { events: undefined, hasOlder: false, error: undefined }
    void read()
    const stop = before === '' ? servers.subscribe(() => schedule(changeMs)) : () => undefined
    return () => {
      stopping.abort()
      clearTimeout(timer)
      stop()
    }
  }, [query, before, bearer])

  return feed.value
}

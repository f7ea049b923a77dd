import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ApiError, request } from './api.ts'
import { link, servers, type ServersChange } from './live-servers.ts'
import { token } from './session.ts'

/** An answer that is asked for again and again. `value` stays while the daemon is away. */
export type Polled<T> = {
  readonly value: T | undefined
  /** Why the last question brought no answer. */
  readonly error: ApiError | undefined
  readonly refresh: () => void
}

type PollOptions = {
  /** Pause between two questions, in ms (default 5 s). None is asked while the tab is hidden. */
  readonly everyMs?: number
  /** Ask again soon after servers change. */
  readonly isWithServers?: boolean
  /** Ask again soon after the server of this id changes. */
  readonly withServer?: string
}

/** Pause after a change of servers, in ms: many come together. */
const changeMs = 400
/** The pause is longer where answers take long: they shall take a tenth of the time at most. */
const costFactor = 10

/** Asks the daemon for a path while the component is shown; no path asks nothing. */
export function usePolled<T>(path: string | undefined, options: PollOptions = {}): Polled<T> {
  const { everyMs = 5000, isWithServers = false, withServer } = options
  const value = useSignal<T | undefined>(undefined)
  const error = useSignal<ApiError | undefined>(undefined)
  const again = useSignal(0)
  const toldTo = useSignal(token.peek())

  useEffect(() => {
    // What one token was told is not shown to the next.
    if (toldTo.peek() !== token.peek()) {
      toldTo.value = token.peek()
      value.value = undefined
      error.value = undefined
    }
    if (path === undefined) return undefined
    const stopping = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let dueAt = 0
    let isAsking = false
    /** Pause after the answer that is under way. */
    let nextMs = everyMs
    /** Pause after a change. */
    let leastMs = changeMs

    function schedule(ms: number): void {
      if (isAsking) {
        nextMs = Math.min(nextMs, ms)
        return
      }
      const at = performance.now() + ms
      if (timer !== undefined && dueAt <= at) return
      clearTimeout(timer)
      dueAt = at
      timer = setTimeout(() => void ask(), ms)
    }

    async function ask(): Promise<void> {
      timer = undefined
      if (document.hidden) return schedule(everyMs)
      isAsking = true
      nextMs = everyMs
      const askedAt = performance.now()
      try {
        value.value = await request<T>(path!, { signal: stopping.signal })
        error.value = undefined
        leastMs = Math.min(everyMs, Math.max(changeMs, costFactor * (performance.now() - askedAt)))
      } catch (failure) {
        if (stopping.signal.aborted) return
        error.value = failure instanceof ApiError ? failure : new ApiError(String(failure), { code: '', status: 0 })
      }
      isAsking = false
      schedule(nextMs)
    }

    void ask()
    const stops = [
      servers.subscribe((change) => {
        if (isWithServers || (withServer !== undefined && concerns(change, withServer))) schedule(leastMs)
      }),
      // The daemon is back.
      link.subscribe(({ state }) => state === 'live' && error.peek() && schedule(0)),
    ]
    return () => {
      stopping.abort()
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [path, everyMs, isWithServers, withServer, again.value, token.value])

  return { value: value.value, error: error.value, refresh: () => void (again.value += 1) }
}

function concerns(change: ServersChange, id: string): boolean {
  if (change.type === 'all') return true
  if (change.type === 'more') return false
  return change.removed.includes(id) || change.changed.some((row) => row.id === id)
}

import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ApiError, request } from '../../data/api.ts'
import { servers } from '../../data/live-servers.ts'

/** The servers that the daemon names for a query, by relevance; `undefined` while it has not answered, or where nothing is asked. */
export const askedIds = signal<{ readonly query: string; readonly order: ReadonlyMap<string, number> } | undefined>(
  undefined,
)
/** Why the daemon does not answer the query. */
export const askedError = signal<ApiError | undefined>(undefined)

/** Time after the last key before the daemon is asked, and between two questions while servers change, in ms. */
const typingMs = 120
const againMs = 1000

/** Asks the daemon which servers match, again after changes, until the page is left. */
export function useAskedIds(query: string): void {
  useEffect(() => {
    askedError.value = undefined
    if (query === '') {
      askedIds.value = undefined
      return undefined
    }
    const stopping = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(() => void ask(), typingMs)

    async function ask(): Promise<void> {
      try {
        const { servers: found } = await request<{ servers: readonly { id: string }[] }>(`servers?${query}&fields=id`, {
          signal: stopping.signal,
        })
        askedIds.value = { query, order: new Map(found.map(({ id }, index) => [id, index])) }
        askedError.value = undefined
      } catch (error) {
        if (error instanceof ApiError) askedError.value = error
      } finally {
        timer = undefined
      }
    }

    const stop = servers.subscribe(() => {
      timer ??= setTimeout(() => void ask(), againMs)
    })
    return () => {
      stopping.abort()
      clearTimeout(timer)
      stop()
    }
  }, [query])
}

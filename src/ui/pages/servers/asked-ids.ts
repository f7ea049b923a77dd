import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Capability } from '../../../client/index.ts'
import { isTool } from '../../../model/query/capability-kinds.ts'
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
export function useAskedIds(query: string, isDescending: boolean): void {
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
        const { servers: found } = await request<Answer>(`servers?${query}`, { signal: stopping.signal })
        const ordered = found.some(({ capabilities }) => capabilities) ? byTools(found, isDescending) : found
        askedIds.value = { query, order: new Map(ordered.map(({ id }, index) => [id, index])) }
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
  }, [query, isDescending])
}

type Answer = { readonly servers: readonly { readonly id: string; readonly capabilities?: readonly Capability[] }[] }

/** Ordered by the number of tools. */
function byTools(found: Answer['servers'], isDescending: boolean): Answer['servers'] {
  const counted = found.map(({ id, capabilities = [] }) => ({ id, tools: capabilities.filter(isTool).length }))
  return counted.toSorted((one, other) => (isDescending ? other.tools - one.tools : one.tools - other.tools))
}

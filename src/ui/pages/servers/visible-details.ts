import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Capability } from '../../../client/index.ts'
import { serverParts } from '../../../model/identity.ts'
import { isTool } from '../../../model/query/capability-kinds.ts'
import { ApiError, request } from '../../data/api.ts'

/** What changes with every probe, or is too long for a list of all: only of the servers in view. */
export type RowDetails = {
  readonly tools: number
  /** Duration of the last probe, in ms; absent without one. */
  readonly responseMs?: number
}

/** By id; of servers that have been in view. */
export const rowDetails = signal<ReadonlyMap<string, RowDetails>>(new Map())

/** Why the daemon refuses the details; that it is away is shown elsewhere. */
export const detailsError = signal<ApiError | undefined>(undefined)

/** Pause after scrolling, and between two questions, in ms. */
const scrollMs = 150
const againMs = 5000
/** Queries of one request: the daemon takes no more. */
const maxQueries = 50
const maxKept = 1000

type Answer = {
  readonly results: readonly {
    readonly servers?: readonly {
      readonly id: string
      readonly capabilities: readonly Capability[]
      readonly health: { readonly response_time_ms?: number }
    }[]
  }[]
}

/** Keeps the details of these servers current while they are in view. */
export function useVisibleDetails(ids: readonly string[]): void {
  const key = ids.join('\n')
  useEffect(() => {
    if (ids.length === 0) {
      detailsError.value = undefined
      return undefined
    }
    const stopping = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    async function ask(): Promise<void> {
      // What cannot be read now stays as it was.
      if (!document.hidden) await read(ids, stopping.signal).catch(noteRefusal)
      if (!stopping.signal.aborted) timer = setTimeout(() => void ask(), againMs)
    }
    timer = setTimeout(() => void ask(), scrollMs)
    return () => {
      stopping.abort()
      clearTimeout(timer)
    }
  }, [key])
}

async function read(ids: readonly string[], signal: AbortSignal): Promise<void> {
  const queries = ids.slice(0, maxQueries).map((id) => {
    const [namespace, name] = serverParts(id)
    return { namespace, name, fields: ['id', 'capabilities', 'health'], view: 'full' }
  })
  const { results } = await request<Answer>('query', { method: 'POST', body: { queries }, signal })
  const next = new Map(rowDetails.peek())
  for (const { id, capabilities, health } of results.flatMap(({ servers = [] }) => servers)) {
    next.delete(id)
    const tools = capabilities.filter(isTool).length
    next.set(id, { tools, ...(health.response_time_ms === undefined ? {} : { responseMs: health.response_time_ms }) })
  }
  for (const id of next.keys()) {
    if (next.size <= maxKept) break
    next.delete(id)
  }
  rowDetails.value = next
  detailsError.value = undefined
}

function noteRefusal(error: unknown): void {
  if (error instanceof ApiError && error.status > 0) detailsError.value = error
}

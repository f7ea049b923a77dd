import { AsyncLocalStorage } from 'node:async_hooks'
import type * as Mcp from '@modelcontextprotocol/server'

/** Name in `_meta` of the number of calls that a call is nested in. Only agents of this library pass it on. */
const depthKey = 'io.mcp-roster/depth'

/** Maximum number of calls that are nested: each agent of a circle would call the next one without end. */
export const maxDepth = 16

type RunningCall = { readonly signal: AbortSignal; readonly depth: number }

const running = new AsyncLocalStorage<RunningCall>()

/** The call that is answered here; undefined outside of one. */
export function runningCall(): RunningCall | undefined {
  return running.getStore()
}

/** What a nested call sends with its parameters. */
export function nestingMeta(): { _meta: Record<string, unknown> } {
  return { _meta: { [depthKey]: (runningCall()?.depth ?? 0) + 1 } }
}

/** Runs a call; what it calls is aborted when its caller leaves before the answer. */
export async function runCall({ mcpReq }: Pick<Mcp.ServerContext, 'mcpReq'>, call: () => unknown): Promise<unknown> {
  const leaving = new AbortController()
  const leave = () => leaving.abort(mcpReq.signal.reason)
  mcpReq.signal.addEventListener('abort', leave)
  if (mcpReq.signal.aborted) leave()
  const depth = mcpReq['_meta']?.[depthKey]
  try {
    const store = { signal: leaving.signal, depth: typeof depth === 'number' ? depth : 0 }
    return await running.run(store, async () => await call())
  } finally {
    mcpReq.signal.removeEventListener('abort', leave) // an answered request aborts nothing
  }
}

import type { Tool } from '@modelcontextprotocol/client'
import { jsonEqual } from '../../../model/data/json-equal.ts'
import type { Session } from './open-session.ts'

/** Tools of one server beyond this number are left out. */
const maxTools = 10_000
/** Maximum pages of one list: a server may page without end. */
const maxPages = 1000
/** Maximum length of the tools of one server as JSON, in characters. Those beyond are left out. */
const maxTotalLength = 32 * 1024 * 1024

/** The tools of one server. They are kept while it is away. */
export function createToolCache({ onChange }: { readonly onChange: (reason: string) => void }) {
  let tools: ReadonlyMap<string, Tool> = new Map()
  let omitted = 0
  let isRead = false
  let readAt = 0
  const lengths = new WeakMap<Tool, number>()

  /** Reads the whole list within the time of one request; throws an `ExchangeError` as the session does, and keeps what is known. */
  async function read(
    session: Session,
    limits: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<void> {
    const ends = performance.now() + limits.timeoutMs
    const fresh = new Map<string, Tool>()
    const cursors = new Set<string>()
    let left = 0
    let room = maxTotalLength
    let cursor: string | undefined
    while (cursors.size < maxPages) {
      const timeoutMs = Math.max(1, ends - performance.now())
      const { tools: listed, nextCursor } = await session.listTools(cursor, { ...limits, timeoutMs })
      for (const tool of listed.map(reuse)) {
        // The first of a name counts, as for a reader of the list.
        if (fresh.has(tool.name) || fresh.size >= maxTools) left += 1
        else if ((room -= lengthOf(tool)) < 0) left += 1
        else fresh.set(tool.name, tool)
      }
      if (nextCursor === undefined || cursors.has(nextCursor) || fresh.size >= maxTools || room < 0) break
      cursors.add((cursor = nextCursor))
    }
    accept(fresh, left)
  }

  const reuse = (tool: Tool) => {
    const before = tools.get(tool.name)
    return before && jsonEqual(before, tool) ? before : tool
  }

  function lengthOf(tool: Tool): number {
    const known = lengths.get(tool) ?? JSON.stringify(tool).length
    lengths.set(tool, known)
    return known
  }

  function accept(fresh: ReadonlyMap<string, Tool>, left: number): void {
    const added = [...fresh.keys()].filter((name) => !tools.has(name))
    const removed = [...tools.keys()].filter((name) => !fresh.has(name))
    const changed = [...fresh.values()].filter((tool) => tools.has(tool.name) && tools.get(tool.name) !== tool)
    const isFirst = !isRead
    tools = fresh
    omitted = left
    isRead = true
    readAt = performance.now()
    if (isFirst || added.length + removed.length + changed.length === 0) return
    onChange(`${added.length} added, ${removed.length} removed, ${changed.length} changed`)
  }

  function clear(): void {
    tools = new Map()
    omitted = 0
    isRead = false
  }

  return {
    read,
    clear,
    get: (name: string) => tools.get(name),
    all: () => tools,
    omitted: () => omitted,
    isRead: () => isRead,
    /** Milliseconds since the list was read. */
    ageMs: () => performance.now() - readAt,
  }
}

export type ToolCache = ReturnType<typeof createToolCache>

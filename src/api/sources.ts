import { Hono } from 'hono'
import type { SourceStatus } from '../model/status.ts'
import type { Bindings } from './edge.ts'

/** The state of each source: what it contributes, what was turned away and why. */
export function sourcesApi({ supervisor }: { supervisor: { sources: () => readonly SourceStatus[] } }) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  api.get('/', (c) => {
    const sources = supervisor.sources()
    return c.json({ sources, count: sources.length })
  })
  return api
}

import { Hono } from 'hono'
import { inSlices } from '../flow/slices.ts'
import type { Registered } from '../model/change.ts'
import { parseQuery } from '../model/parameters.ts'
import type { Server } from '../model/server.ts'
import { problemOf } from './asked.ts'
import type { Bindings } from './edge.ts'
import type { ApiParts } from './parts.ts'
import { Problem } from './problem.ts'
import { createKept } from './publish/answer.ts'
import { respond } from './respond.ts'

/** Parameters that say how a list is shown, which targets are not. */
const shaping = ['limit', 'continue', 'sort', 'fields', 'view']

type Target = { readonly targets: readonly string[]; readonly labels: Readonly<Record<string, string>> }

/**
 * Enabled servers as targets for Prometheus; any filter of `/servers` applies.
 * https://prometheus.io/docs/prometheus/latest/http_sd/
 */
export function sdApi({ registry, supervisor }: Pick<ApiParts, 'registry' | 'supervisor'>) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const kept = createKept({ registry, supervisor })

  function chosen(parameters: URLSearchParams): readonly Registered[] {
    for (const parameter of shaping) {
      if (parameters.get(parameter))
        throw new Problem(400, `${parameter}: is for /servers only`, { more: { parameter } })
    }
    const parsed = parseQuery(parameters)
    if ('problem' in parsed) throw problemOf(parsed.problem)
    if (parsed.query.enabled === false) return []
    return registry.select({ ...parsed.query, enabled: true }).page
  }

  async function make(parameters: URLSearchParams): Promise<Buffer> {
    const parts: string[] = []
    await inSlices(chosen(parameters), ({ server }) => {
      const target = targetOf(server)
      if (target) parts.push(JSON.stringify(target))
    })
    return Buffer.from(`[${parts.join()}]`)
  }

  api.get('/prometheus', async (c) => {
    const { search, searchParams } = new URL(c.req.url)
    return respond(c, await kept.answer(search, () => make(searchParams)))
  })
  return api
}

/** Undefined for what has no address: a command, an agent's own scheme, a placeholder nobody filled in. */
function targetOf({ url: text, ...server }: Server): Target | undefined {
  const url = text === undefined || text.includes('${') ? null : URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return {
    targets: [`${url.hostname}:${port}`],
    labels: {
      ...Object.fromEntries(server.tags.toSorted().map((tag) => [`__meta_roster_tag_${labelName(tag)}`, 'true'])),
      ...labelsOf(server.labels),
      __meta_roster_namespace: server.namespace,
      __meta_roster_name: server.name,
      __meta_roster_source: server.source,
      __meta_roster_status: server.status,
      __meta_roster_scheme: url.protocol.slice(0, -1),
    },
  }
}

/** Of two labels that are spelled the same here, the one that comes first in the alphabet counts. */
function labelsOf(labels: Server['labels']): Record<string, string> {
  const sorted = Object.entries(labels).toSorted(([one], [other]) => (one < other ? 1 : -1))
  return Object.fromEntries(sorted.map(([key, value]) => [`__meta_roster_label_${labelName(key)}`, value]))
}

function labelName(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9_]/g, '_')
}

import { forEachYielding } from '../../flow/cooperative.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import { createRoutes } from '../http/context.ts'
import { respond } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { createReadyCache } from '../publish/ready-cache.ts'
import { enabledServers } from './enabled.ts'

type Target = { readonly targets: readonly string[]; readonly labels: Readonly<Record<string, string>> }

/**
 * Enabled servers as targets for Prometheus; any filter of `/servers` applies.
 * https://prometheus.io/docs/prometheus/latest/http_sd/
 */
export function sdApi({ registry, supervisor }: Pick<ApiPorts, 'registry' | 'supervisor'>) {
  const api = createRoutes()
  const responses = createReadyCache({ registry, supervisor }, { needsEverySource: true })

  async function make(parameters: URLSearchParams): Promise<Buffer> {
    const parts: string[] = []
    await forEachYielding(enabledServers(registry, parameters), ({ server }) => {
      const target = targetOf(server)
      if (target) parts.push(JSON.stringify(target))
    })
    return Buffer.from(`[${parts.join()}]`)
  }

  api.get('/prometheus', async (c) => {
    const { search, searchParams } = new URL(c.req.url)
    return respond(c, await responses.answer(search, () => make(searchParams), { filter: searchParams }))
  })
  return api
}

/**
 * Undefined for a server without an HTTP address: a command, an agent's own scheme, an unfilled placeholder. A URL that holds a
 * secret is no label.
 */
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
      ...(redactText(url.href) === url.href && { __meta_roster_url: url.href }),
    },
  }
}

/** Of two labels with the same Prometheus name, the first in alphabetical order counts. */
function labelsOf(labels: Server['labels']): Record<string, string> {
  const sorted = Object.entries(labels).toSorted(([one], [other]) => (one < other ? 1 : -1))
  return Object.fromEntries(sorted.map(([key, value]) => [`__meta_roster_label_${labelName(key)}`, value]))
}

function labelName(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9_]/g, '_')
}

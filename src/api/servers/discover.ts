import { forEachYielding } from '../../flow/cooperative.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { shortId } from '../../model/names.ts'
import type { Server } from '../../model/server.ts'
import { requireNamespace, requireSecretsRight } from '../http/access/authenticator.ts'
import { type ApiContext, type ApiResponse, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respond, respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { createReadyCache } from '../publish/ready-cache.ts'
import { type ConfigFormat, clientFormats, startClientConfig } from './client-configs.ts'
import { enabledServers } from './enabled.ts'
import { wantsSecrets } from './secrets.ts'

const ownParameters = ['format', 'secrets']

/** Enabled servers as a map, which clients of the original registry poll, or as a ready client configuration. */
export function discoverApi({ registry, supervisor, log }: Pick<ApiPorts, 'registry' | 'supervisor' | 'log'>) {
  const api = createRoutes()
  const responses = createReadyCache({ registry, supervisor }, { headers: {} })

  api.get('/discover', async (c) => {
    const { search, searchParams } = new URL(c.req.url)
    if (wantsSecrets(searchParams)) return withSecrets(c, searchParams)
    const make = (syncing: readonly string[]) => bodyFor(searchParams, syncing)
    return respond(c, await responses.answer(search, make, { filter: searchParams }))
  })

  function bodyFor(parameters: URLSearchParams, syncing: readonly string[]): Promise<Buffer> {
    const format = formatIn(parameters)
    const chosen = enabledServers(registry, parameters, ownParameters)
    return format === undefined ? mapOf(chosen, syncing) : configOf(format, chosen, supervisor)
  }

  function withSecrets(c: ApiContext, parameters: URLSearchParams): ApiResponse {
    const { principal } = c.env
    requireSecretsRight(principal)
    if (formatIn(parameters))
      throw new Problem('invalid_parameter', 'A client configuration never holds secrets; omit "format".')
    const syncing = responses.assertReady(parameters)
    const chosen = enabledServers(registry, parameters, ownParameters)
    for (const { server } of chosen) requireNamespace(principal, server.namespace)
    log.info({ audit: true, principal: principal.name, servers: chosen.length }, 'secrets shown')
    const byId = Object.fromEntries(chosen.map(({ server }) => [shortId(server), server]))
    return respondJson(c, { servers: byId, ...(syncing.length > 0 && { syncing }) })
  }

  return api
}

function formatIn(parameters: URLSearchParams): ConfigFormat | undefined {
  const format = parameters.get('format')
  if (format === null || format === '') return undefined
  const match = clientFormats.find((one) => one === format)
  if (match) return match
  throw new Problem('invalid_parameter', `format: must be one of ${clientFormats.join(', ')}`, {
    more: { parameter: 'format' },
  })
}

/** Joins the encoded servers. */
async function mapOf(chosen: readonly RegisteredServer[], syncing: readonly string[]): Promise<Buffer> {
  const parts: Buffer[] = []
  await forEachYielding(chosen, ({ server, json }) =>
    parts.push(Buffer.from(`${parts.length ? ',' : ''}${JSON.stringify(shortId(server))}:`), json()),
  )
  return Buffer.concat([
    Buffer.from('{"servers":{'),
    ...parts,
    Buffer.from(syncing.length > 0 ? `},"syncing":${JSON.stringify(syncing)}}` : '}}'),
  ])
}

/** Uses the encoded form, which is redacted; the server itself holds the secrets. */
async function configOf(
  format: ConfigFormat,
  chosen: readonly RegisteredServer[],
  supervisor: Pick<ApiPorts['supervisor'], 'mayNameVariables' | 'names'>,
): Promise<Buffer> {
  const { mayNameVariables } = supervisor
  const config = startClientConfig(format)
  const places = new Map(chosen.map((one, place) => [one, place]))
  await forEachYielding(byTrust(chosen, supervisor), (one) => {
    const server = JSON.parse(one.json().toString()) as Server
    config.add(server, { mayNameVariables: mayNameVariables(one.server) }, places.get(one))
  })
  return Buffer.from(`${JSON.stringify(config.build(), null, 2)}\n`)
}

/** The servers in the order in which they get their names: the operator's, others, agents; each in the order of the sources. */
function byTrust(
  chosen: readonly RegisteredServer[],
  { mayNameVariables, names }: Pick<ApiPorts['supervisor'], 'mayNameVariables' | 'names'>,
): readonly RegisteredServer[] {
  const sources = names()
  const rankOf = ({ server }: RegisteredServer) => {
    const distrust = server.discovery_method === 'registered' ? 2 : mayNameVariables(server) ? 0 : 1
    return distrust * sources.length + sources.indexOf(server.source)
  }
  const ranked = chosen.map((one) => ({ one, rank: rankOf(one) }))
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ one }) => one)
}

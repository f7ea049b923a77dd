import {
  ProtocolError,
  ProtocolErrorCode,
  type ListResourcesResult,
  ResourceNotFoundError,
  type Server,
} from '@modelcontextprotocol/server'
import { AgentsNotAccepted, UnknownAgent } from '../agents/errors.ts'
import type { RegisteredServer } from '../model/change.ts'
import { excerptOf } from '../model/data/excerpt.ts'
import { percentDecode } from '../model/data/percent-encoding.ts'
import { type ServerId, serverId, shortId } from '../model/names.ts'
import { parseCursor } from '../model/query/cursor.ts'
import { unfilteredQuery } from '../model/query/query.ts'
import type { McpPorts } from './ports.ts'
import { serverView } from './server-view.ts'

const mimeType = 'application/json'
const pageSize = 500

type ResourceAddress =
  | { readonly type: 'server'; readonly id: ServerId }
  | { readonly type: 'agent'; readonly id: string }

export function serverUri({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `roster://servers/${namespace}/${encodeURIComponent(name)}`
}

export function agentUri(id: string): string {
  return `roster://agents/${encodeURIComponent(id)}`
}

/** Registers every server and every agent as a resource, listed in pages. */
export function registerResources(server: Server, { registry, mesh, volatile }: McpPorts): void {
  server.setRequestHandler('resources/list', ({ params }) => list(params?.cursor))
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates }))
  server.setRequestHandler('resources/read', ({ params: { uri } }) => {
    const text = textOf(uri)
    if (text === undefined) throw new ResourceNotFoundError(excerptOf(uri))
    return { contents: [{ uri, mimeType, text }] }
  })

  function list(cursor: string | undefined): ListResourcesResult {
    const query = { ...unfilteredQuery, limit: pageSize, ...(cursor !== undefined && { continue: cursor }) }
    const parsed = parseCursor(query)
    if (parsed && 'problem' in parsed)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `cursor: ${parsed.problem}`)
    const { page, next } = registry.select(query)
    return { resources: page.flatMap(resourcesOf), ...(next !== undefined && { nextCursor: next }) }
  }

  function textOf(uri: string): string | undefined {
    const address = parseUri(uri)
    if (address?.type === 'server') {
      const registered = registry.get(address.id)
      return registered && JSON.stringify(serverView(registered, { fields: [], view: 'full' }, volatile))
    }
    return address && agentText(address.id)
  }

  function agentText(id: string): string | undefined {
    try {
      return JSON.stringify(mesh.agentView(mesh.get(id)))
    } catch (error) {
      if (error instanceof UnknownAgent || error instanceof AgentsNotAccepted) return undefined
      throw error
    }
  }
}

const resourceTemplates = [
  {
    name: 'server',
    title: 'A server',
    uriTemplate: 'roster://servers/{namespace}/{name}',
    description: 'A server with its health, secrets redacted. Names are URL-encoded.',
    mimeType,
  },
  {
    name: 'agent',
    title: 'An agent',
    uriTemplate: 'roster://agents/{id}',
    description: 'A registered agent in the form of GET /agents/{id}. Its id is URL-encoded.',
    mimeType,
  },
]

function resourcesOf({ server }: RegisteredServer): ListResourcesResult['resources'] {
  const name = shortId(server)
  const description = server.description && { description: server.description }
  const details = { ...(server.title !== undefined && { title: server.title }), ...description, mimeType }
  const resource = { uri: serverUri(server), name, ...details }
  if (server.discovery_method !== 'registered') return [resource]
  return [resource, { uri: agentUri(server.name), name: `agent ${server.name}`, ...details }]
}

function parseUri(uri: string): ResourceAddress | undefined {
  const [, kind, path = ''] = /^roster:\/\/(servers|agents)\/([^?#]+)$/.exec(uri) ?? []
  const parts = path.split('/').map(percentDecode)
  const [first, second] = parts
  if (kind === 'agents') return parts.length === 1 && first !== undefined ? { type: 'agent', id: first } : undefined
  if (kind === undefined || parts.length !== 2 || first === undefined || second === undefined) return undefined
  return { type: 'server', id: serverId(first, second) }
}

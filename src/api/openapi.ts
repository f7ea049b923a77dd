import { Hono } from 'hono'
import { describeRoute, type DescribeRouteOptions, generateSpecs, resolver } from 'hono-openapi'
import { z } from 'zod'
import { ServerQuery } from '../model/query.ts'
import { clientFormats } from './clients.ts'
import * as shapes from './shapes.ts'

/** One route, as the documentation tells it. A new route is one more line below; a test holds them together. */
type RouteDoc = {
  readonly summary: string
  readonly group: 'servers' | 'clients' | 'sources' | 'operations'
  readonly answer: z.ZodType | 'text/plain' | 'text/html' | 'application/json'
  readonly query?: readonly string[] | 'filter'
  /** What else than 200 it answers by design. */
  readonly statuses?: Readonly<Record<number, string>>
  readonly needs?: 'admin'
}

const unknownServer = { 404: 'There is no such server.' }
const unknownSource = { 404: 'There is no such source.', 502: 'The source could not be read; the answer says why.' }
const badQuery = { 304: 'Nothing has changed since the given ETag.', 400: 'A parameter is wrong; the answer names it.' }

const servers: Record<string, RouteDoc> = {
  'GET /servers': {
    summary: 'The merged list',
    group: 'servers',
    answer: shapes.ServerList,
    query: 'filter',
    statuses: badQuery,
  },
  'GET /servers/:name': {
    summary: 'One server of the namespace "default"',
    group: 'servers',
    answer: shapes.ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'GET /servers/:namespace/:name': {
    summary: 'One server, with its shadows and health history',
    group: 'servers',
    answer: shapes.ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'POST /servers/:name/check': {
    summary: 'Probe a server of the namespace "default" now',
    group: 'servers',
    answer: shapes.CheckOutcome,
    statuses: unknownServer,
    needs: 'admin',
  },
  'POST /servers/:namespace/:name/check': {
    summary: 'Probe a server now and answer with the outcome',
    group: 'servers',
    answer: shapes.CheckOutcome,
    statuses: unknownServer,
    needs: 'admin',
  },
}

const operation = (summary: string, answer: RouteDoc['answer']): RouteDoc => ({ summary, group: 'operations', answer })
const wellbeing = operation(
  'Whether the daemon serves; a failing source makes it "degraded", never an error',
  shapes.Wellbeing,
)
const readiness: RouteDoc = {
  ...operation('Whether every source has answered once, or has had its time to', shapes.Readiness),
  statuses: { 503: 'Not yet; the answer names the sources still waited for.' },
}

/** Every route, by method and path. */
export const routes: Readonly<Record<string, RouteDoc>> = {
  ...servers,
  ...Object.fromEntries(Object.entries(servers).map(([key, doc]) => [key.replace(' ', ' /api/v1'), doc])),
  'GET /discover': {
    summary: 'Enabled servers as a map, or as a ready client configuration',
    group: 'clients',
    answer: shapes.ServerMap,
    query: ['format', 'secrets'],
    statuses: badQuery,
  },
  'POST /discover': { summary: 'Read every source now', group: 'sources', answer: shapes.Discovered, needs: 'admin' },
  'GET /sources': { summary: 'The state of each source', group: 'sources', answer: shapes.SourceList },
  'GET /sources/:name': {
    summary: 'The state of one source',
    group: 'sources',
    answer: shapes.SourceShape,
    statuses: { 404: unknownSource[404] },
  },
  'POST /sources/:name/refresh': {
    summary: 'Read one source now and answer with what changed',
    group: 'sources',
    answer: shapes.Refreshed,
    statuses: unknownSource,
    needs: 'admin',
  },
  'GET /tags': { summary: 'How many servers carry each tag', group: 'servers', answer: shapes.Tags },
  'GET /stats': {
    summary: 'How many servers there are of each status, source, type, namespace and discovery method',
    group: 'servers',
    answer: shapes.Stats,
  },
  'GET /': operation('What this is and what it offers', shapes.ServiceInfo),
  'GET /health': wellbeing,
  'GET /healthz': wellbeing,
  'GET /-/healthy': wellbeing,
  'GET /ready': readiness,
  'GET /readyz': readiness,
  'GET /-/ready': readiness,
  'GET /metrics': operation('Metrics, as Prometheus text', 'text/plain'),
  'GET /metrics/prometheus': operation('Metrics, as Prometheus text', 'text/plain'),
  'GET /openapi.json': operation('This document', 'application/json'),
  'GET /docs': operation('This document, for people', 'text/html'),
  'POST /-/reload': {
    ...operation('Read the config again', shapes.ReloadOutcome),
    statuses: { 422: 'The config is not valid; the old one goes on.' },
    needs: 'admin',
  },
  'POST /-/trust-probes': {
    ...operation('Believe the probes again after the daemon suspected itself', shapes.Anything),
    needs: 'admin',
  },
}

/** One line for each route, by its path. */
export function endpoints(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(routes)
      .filter(([key]) => !key.includes(' /api/v1') && !key.includes('z') && !key.includes(' /-/h'))
      .map(([key, { summary }]) => [key.replaceAll(/:(\w+)/g, '{$1}'), summary]),
  )
}

/** The OpenAPI 3.1 document of every route, made from the schemas that the daemon itself uses. */
export async function openApiDocument(version: string): Promise<object> {
  const app = new Hono()
  for (const [key, doc] of Object.entries(routes)) {
    const [method = '', path = ''] = key.split(' ')
    app.on(method, path, describeRoute(described(key, doc)), (c) => c.body(null))
  }
  return generateSpecs(app, {
    excludeStaticFile: false,
    documentation: {
      info: {
        title: 'mcp-roster',
        version,
        description: 'One live, health-checked registry of the MCP servers and agents of an organisation.',
        license: { name: 'MIT' },
      },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      },
    },
  })
}

function described(
  key: string,
  { summary, group, answer, query = [], statuses = {}, needs }: RouteDoc,
): DescribeRouteOptions {
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: resolver(shapes.ProblemShape) } },
  })
  const others = {
    ...statuses,
    ...(needs ? { 401: 'The token is not known.', 403: `Needs the role "${needs}".` } : {}),
  }
  const responses = Object.fromEntries(
    Object.entries(others).map(([status, description]) => [
      status,
      status === '304' ? { description } : status === '503' ? answered(answer, description) : problem(description),
    ]),
  )
  return {
    operationId: operationId(key),
    summary,
    tags: [group],
    parameters: [
      ...pathParameters(key),
      ...(query === 'filter'
        ? filterParameters()
        : query.map((name) => special[name] ?? { name, in: 'query' as const })),
    ],
    responses: { 200: answered(answer, 'The answer.'), ...responses, default: problem('What went wrong.') },
    ...(needs ? { security: [{ token: [] }], description: `Needs the role \`${needs}\`.` } : {}),
  }
}

function answered(answer: RouteDoc['answer'], description: string) {
  if (typeof answer === 'string') return { description, content: { [answer]: {} } }
  return { description, content: { 'application/json': { schema: resolver(answer) } } }
}

type Parameter = {
  name: string
  in: 'query' | 'path'
  required?: boolean
  description?: string
  schema?: Record<string, unknown>
}

const special: Record<string, Parameter> = {
  format: {
    name: 'format',
    in: 'query',
    description: 'A ready configuration for this client, placeholders where secrets are.',
    schema: { type: 'string', enum: [...clientFormats] },
  },
  secrets: {
    name: 'secrets',
    in: 'query',
    description: 'Secrets unredacted. Needs a token with the `secrets` right; audited.',
    schema: { type: 'boolean' },
  },
}

function pathParameters(key: string): Parameter[] {
  return [...key.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...(name === 'name' ? { description: 'URL-encoded: a `/` in it is `%2F`.' } : {}),
  }))
}

/** The parameters of `GET /servers`, from the very schema that reads them. */
function filterParameters(): Parameter[] {
  const { properties = {} } = z.toJSONSchema(ServerQuery, { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties).map(([name, property]) => {
    const { description, default: _default, ...schema } = property as Record<string, unknown>
    return { name, in: 'query', ...(typeof description === 'string' ? { description } : {}), schema: plain(schema) }
  })
}

/** A preprocessed parameter has no schema of its own on the way in: it is text. */
function plain(schema: Record<string, unknown>): Record<string, unknown> {
  return Object.keys(schema).length === 0 ? { type: 'string' } : schema
}

function operationId(key: string): string {
  const words = key
    .toLowerCase()
    .replace('/-/', '/daemon/')
    .split(/[^a-z0-9]+/)
  return words
    .filter(Boolean)
    .map((word, index) => (index === 0 ? word : word[0]?.toUpperCase() + word.slice(1)))
    .join('')
}

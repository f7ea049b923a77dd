import { Hono } from 'hono'
import { describeRoute, type DescribeRouteOptions, generateSpecs, resolver } from 'hono-openapi'
import manifest from '../../../package.json' with { type: 'json' }
import { pathParameters, queryParameters } from './parameters.ts'
import { type RouteDoc, routes } from './route-table.ts'
import { ProblemShape } from './schemas.ts'

/** The text of `config/openapi.json`. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await openApiDocument(), null, 2)}\n`
}

/** The OpenAPI 3.1 document of every route, generated from the schemas that the daemon itself uses. */
export async function openApiDocument(): Promise<object> {
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
        version: manifest.version,
        description: 'One live, health-checked registry of the MCP servers and agents of an organisation.',
        license: { name: 'MIT' },
      },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      },
    },
  })
}

/** Statuses that say all there is to say. */
const bodiless = new Set(['202', '204', '304'])

function described(
  key: string,
  { summary, group, answer, body, query = [], also = {}, statuses = {}, needs }: RouteDoc,
): DescribeRouteOptions {
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: resolver(ProblemShape) } },
  })
  const others = {
    ...statuses,
    ...(needs ? { 401: 'The token is not known.', 403: `Needs the role "${needs}".` } : {}),
  }
  const good = { ...(204 in others ? {} : { 200: 'The answer.' }), ...also }
  const responses = Object.fromEntries([
    ...Object.entries(good).map(([status, description]) => [status, answered(answer, description)]),
    ...Object.entries(others).map(([status, description]) => [
      status,
      bodiless.has(status) ? { description } : problem(description),
    ]),
  ])
  return {
    operationId: operationId(key),
    summary,
    tags: [group],
    parameters: [...pathParameters(key), ...queryParameters(query)],
    ...(body && { requestBody: sent(key, body) }),
    responses: { ...responses, default: problem('What went wrong.') },
    ...(needs ? { security: [{ token: [] }], description: `Needs the role \`${needs}\`.` } : {}),
  }
}

function answered(answer: RouteDoc['answer'], description: string) {
  if (typeof answer === 'string') return { description, content: { [answer]: {} } }
  return { description, content: { 'application/json': { schema: resolver(answer) } } }
}

function sent(key: string, body: NonNullable<RouteDoc['body']>) {
  const media = key.startsWith('PATCH ') ? 'application/merge-patch+json' : 'application/json'
  return { required: true, content: { [media]: { schema: resolver(body) } } }
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

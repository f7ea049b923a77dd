import { Hono } from 'hono'
import { describeRoute, type DescribeRouteOptions, generateSpecs, resolver } from 'hono-openapi'
import manifest from '../../../package.json' with { type: 'json' }
import { ProblemShape } from './common-schemas.ts'
import { pathParameters, queryParameters } from './parameters.ts'
import type { RouteDoc } from './route-doc.ts'
import { routes } from './route-table.ts'

/** The text of `config/openapi.json`. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await openApiDocument(), null, 2)}\n`
}

/** The OpenAPI 3.1 document of every route, generated from the schemas that the daemon itself uses. */
export async function openApiDocument(): Promise<object> {
  const app = new Hono()
  for (const [key, doc] of Object.entries(routes)) {
    const [method = '', path = ''] = key.split(' ')
    app.on(method, path, describeRoute(toOperation(key, doc)), (c) => c.body(null))
  }
  return generateSpecs(app, {
    excludeStaticFile: false,
    documentation: {
      info: {
        title: 'mcp-roster',
        version: manifest.version,
        description: 'One live, health-checked registry of the MCP servers and agents of an organisation.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      // Relative to the document, which a gateway may serve under a prefix.
      servers: [{ url: '.', description: 'The daemon that serves this document.' }],
      // Reads need no token, unless auth.anonymous is `none`.
      security: [{}, ...withToken],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          url_token: { type: 'http', scheme: 'basic', description: 'The token as password, as in a URL.' },
        },
      },
    },
  })
}

const withToken = [{ token: [] }, { url_token: [] }]

/** Statuses without a body. */
const bodilessStatuses = new Set(['202', '204', '304'])

function toOperation(
  key: string,
  { summary, group, response, query = [], sameResponse = {}, statuses = {}, role, right, ...doc }: RouteDoc,
): DescribeRouteOptions {
  const isHead = key.startsWith('HEAD ')
  const problem = (description: string) => ({
    description,
    ...(!isHead && {
      content: {
        'application/problem+json': { schema: resolver(ProblemShape) },
        ...(doc.errorType && { [doc.errorType]: {} }),
      },
    }),
  })
  const needed = role ? `the role \`${role}\`` : right && `a token with the right \`${right}\``
  const others = {
    401: 'Invalid token, or none where one is needed.',
    ...statuses,
    ...(needed ? { 403: `Needs ${needed.replaceAll('`', '"')}.` } : {}),
  }
  const hasNoContent = 204 in others || 501 in others
  const successes = { ...(hasNoContent ? {} : { 200: 'Success.' }), ...sameResponse }
  const responses = Object.fromEntries([
    ...Object.entries(successes).map(([status, description]) => [
      status,
      isHead ? { description } : toResponse(response, description),
    ]),
    ...Object.entries(others).map(([status, description]) => [
      status,
      bodilessStatuses.has(status) ? { description } : problem(description),
    ]),
  ])
  return {
    operationId: operationId(key),
    summary,
    tags: [group],
    parameters: [...pathParameters(key), ...queryParameters(query)],
    ...(doc.body && { requestBody: toRequestBody(key, doc.body, { isRequired: !doc.isBodyOptional }) }),
    responses: { ...responses, default: problem('Error.') },
    ...(needed ? { security: withToken, description: `Needs ${needed}.` } : {}),
    ...(doc.deprecated && { deprecated: doc.deprecated }),
  }
}

function toResponse(response: RouteDoc['response'], description: string) {
  if (typeof response === 'string') return { description, content: { [response]: {} } }
  return { description, content: { 'application/json': { schema: resolver(response) } } }
}

function toRequestBody(key: string, body: NonNullable<RouteDoc['body']>, { isRequired }: { isRequired: boolean }) {
  const mediaType = key.startsWith('PATCH ') ? 'application/merge-patch+json' : 'application/json'
  return { required: isRequired, content: { [mediaType]: { schema: resolver(body) } } }
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

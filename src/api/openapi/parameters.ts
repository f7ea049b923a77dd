import * as z from 'zod'
import { ServerQuery } from '../../model/query/query.ts'
import { clientFormats } from '../servers/client-configs.ts'
import type { QueryDoc, RouteDoc } from './route-doc.ts'

type Parameter = {
  name: string
  in: 'query' | 'path'
  required?: boolean
  description?: string
  schema?: Record<string, unknown>
}

const text = { type: 'string' }

/** Parameters other than filters. `published_limit` is called `limit` in the document. */
const controlParameters: Record<string, Omit<Parameter, 'name' | 'in'>> = {
  format: {
    description: 'A configuration for this client, with placeholders for secrets.',
    schema: { ...text, enum: [...clientFormats] },
  },
  secrets: {
    description: 'Unredacted secrets. Needs a token with the right `secrets`; audited.',
    schema: { type: 'boolean' },
  },
  dry_run: {
    description: '`true`: only say what the write would do, or the problem that it would give. Nothing changes.',
    schema: { type: 'boolean' },
  },
  watch: {
    description: '`true`: a stream of every change as newline JSON.',
    schema: { type: 'boolean' },
  },
  index: { description: 'A `resource_version`: wait for a later change that matches.', schema: text },
  wait: { description: 'Maximum wait of a request with `index`, up to 600s. Default 30s.', schema: text },
  cursor: { description: 'The `nextCursor` of the previous page.', schema: text },
  published_limit: {
    description: 'Servers per page, at most 100. Default 30.',
    schema: { type: 'integer', minimum: 1 },
  },
  search: { description: 'Only servers whose name, title or description contains this text.', schema: text },
  updated_since: {
    description: 'Only servers changed since this time (RFC 3339), deleted ones included.',
    schema: text,
  },
  version: { description: '`latest`, or only servers of exactly this version.', schema: text },
  include_deleted: {
    description: 'Also servers that were published since the start of the daemon and no longer are.',
    schema: { type: 'boolean' },
  },
  resource_version: {
    description:
      'Resume a watch after this token, like the header `Last-Event-ID`. The changes since then follow. The first event is a `BOOKMARK` where there are none, and a `RESYNC` where everything is listed again.',
    schema: text,
  },
}

/** Parameters that control the display of a list, and do not apply to changes. */
const listParameters = new Set(['sort', 'limit', 'continue', 'fields', 'view'])

/** The documented query parameters of a route. */
export function queryParameters(query: RouteDoc['query'] = []): Parameter[] {
  if (query === 'list')
    return [...serverQueryParameters(), ...namedParameters(['watch', 'index', 'wait', 'resource_version', 'secrets'])]
  if (query === 'watch') return [...queryParameters('filter'), ...namedParameters(['fields', 'resource_version'])]
  const filters = () => serverQueryParameters().filter(({ name }) => !listParameters.has(name))
  if (query === 'filter') return filters()
  return query.flatMap((name) => (name === 'filter' ? filters() : namedParameters([name])))
}

/** The parameters of these names; one without a description of its own means the same as at `/servers`. */
function namedParameters(names: readonly (string | QueryDoc)[]): Parameter[] {
  if (names.length === 0) return []
  const ofServers = new Map(serverQueryParameters().map((parameter) => [parameter.name, parameter]))
  return names.map((name) => {
    if (typeof name !== 'string') return { schema: text, ...name, in: 'query' }
    const parameter = controlParameters[name] ?? ofServers.get(name) ?? { schema: text }
    return { ...parameter, name: name.replace('published_', ''), in: 'query' }
  })
}

const pathDescriptions: Readonly<Record<string, string>> = {
  name: 'URL-encoded: `/` is `%2F`.',
  target: 'Host and port of a registered endpoint, such as `10.0.0.7:8080`.',
  path: '`mcp` or a plain path below it; for an endpoint with a path of its own, exactly that one.',
}

export function pathParameters(key: string): Parameter[] {
  return [...key.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...(pathDescriptions[name] === undefined ? {} : { description: pathDescriptions[name] }),
  }))
}

/** The parameters of `GET /servers`, from the schema that parses them: what it makes of their texts is what they mean. */
function serverQueryParameters(): Parameter[] {
  const { properties = {} } = z.toJSONSchema(ServerQuery.unwrap(), { io: 'output', unrepresentable: 'any' })
  return Object.entries(properties).map(([name, property]) => {
    const { description, default: _default, ...schema } = withoutMinLength(property as Record<string, unknown>)
    return {
      name,
      in: 'query',
      ...(typeof description === 'string' ? { description } : {}),
      // A parsed selector has no schema of its own; it is sent as text.
      schema: Object.keys(schema).length === 0 ? text : schema,
    }
  })
}

/** An empty parameter counts as absent, so no length is too small. */
function withoutMinLength({
  minLength: _minLength,
  items,
  ...schema
}: Record<string, unknown>): Record<string, unknown> {
  return { ...schema, ...(items !== undefined && { items: withoutMinLength(items as Record<string, unknown>) }) }
}

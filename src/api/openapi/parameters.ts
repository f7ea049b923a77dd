import * as z from 'zod'
import { ServerQuery } from '../../model/query/query.ts'
import { clientFormats } from '../servers/client-configs.ts'
import type { QueryDoc, RouteDoc } from './route-table.ts'

type Parameter = {
  name: string
  in: 'query' | 'path'
  required?: boolean
  description?: string
  schema?: Record<string, unknown>
}

const text = { type: 'string' }
const special: Record<string, Omit<Parameter, 'name' | 'in'>> = {
  format: {
    description: 'A ready configuration for this client, placeholders where secrets are.',
    schema: { ...text, enum: [...clientFormats] },
  },
  secrets: {
    description: 'Secrets unredacted. Needs a token with the `secrets` right; audited.',
    schema: { type: 'boolean' },
  },
  watch: {
    description: '`true`: every change as a line of JSON, for as long as you listen.',
    schema: { type: 'boolean' },
  },
  index: { description: 'A `resource_version`: wait until something that matches is newer.', schema: text },
  wait: { description: 'How long to wait with `index`, at most 600s. Default 30s.', schema: text },
  cursor: { description: 'Where the page before ended, as its `nextCursor` said.', schema: text },
  published_limit: {
    description: 'How many servers one page holds, at most 100. Default 30.',
    schema: { type: 'integer' },
  },
  search: { description: 'Only servers whose name, title or description holds this text.', schema: text },
  updated_since: {
    description: 'Only servers that changed since this time (RFC 3339), deleted ones included.',
    schema: { ...text, format: 'date-time' },
  },
  version: { description: '`latest`, or only servers of exactly this version.', schema: text },
  include_deleted: {
    description: 'Also servers that were published since the start and are no more.',
    schema: { type: 'boolean' },
  },
  resource_version: { description: 'Resume a watch after this token.', schema: text },
}

/** Parameters that say how a list is shown, which changes are not. */
const ofLists = new Set(['sort', 'limit', 'continue', 'fields', 'view'])

/** The documented query parameters of a route. */
export function queryParameters(query: RouteDoc['query'] = []): Parameter[] {
  if (query === 'list')
    return [...filterParameters(), ...named(['watch', 'index', 'wait', 'resource_version', 'secrets'])]
  const filters = () => filterParameters().filter(({ name }) => !ofLists.has(name))
  if (query === 'watch') return [...filters(), ...named(['resource_version'])]
  if (query === 'filter') return filters()
  return query.flatMap((name) => (name === 'filter' ? filters() : named([name])))
}

/** Those of that name; what `/servers` calls the same means the same. */
function named(names: readonly (string | QueryDoc)[]): Parameter[] {
  if (names.length === 0) return []
  const filters = new Map(filterParameters().map((filter) => [filter.name, filter]))
  return names.map((name) => {
    if (typeof name !== 'string') return { schema: text, ...name, in: 'query' }
    const about = special[name] ?? filters.get(name) ?? { schema: text }
    return { ...about, name: name.replace('published_', ''), in: 'query' }
  })
}

export function pathParameters(key: string): Parameter[] {
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
  const { properties = {} } = z.toJSONSchema(ServerQuery.unwrap(), { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties).map(([name, property]) => {
    const { description, default: _default, ...schema } = property as Record<string, unknown>
    return { name, in: 'query', ...(typeof description === 'string' ? { description } : {}), schema: plain(schema) }
  })
}

/** A preprocessed parameter has no schema of its own on the way in: it is text. */
function plain(schema: Record<string, unknown>): Record<string, unknown> {
  return Object.keys(schema).length === 0 ? { type: 'string' } : schema
}

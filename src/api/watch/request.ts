import type { IncomingMessage } from 'node:http'
import { parseDuration } from '../../model/duration.ts'
import { parseQuery, type Problem as Wrong } from '../../model/parameters.ts'
import type { ServerQuery } from '../../model/query.ts'
import type { Format } from './frames.ts'

/** What a request asks to be told of. */
export type Wish =
  | { readonly type: 'stream'; readonly format: Format; readonly query: ServerQuery; readonly from: string | undefined }
  | { readonly type: 'poll'; readonly query: ServerQuery; readonly index: string; readonly waitMs: number }
  | { readonly type: 'wrong'; readonly wrong: Wrong }

const own = ['watch', 'index', 'wait', 'resource_version', 'secrets'] as const
/** What says how a list is shown has no meaning for changes. */
const ofLists = ['sort', 'limit', 'continue', 'fields', 'view'] as const
const longestWait = 600

const wrong = (parameter: string, detail: string): Wish => ({
  type: 'wrong',
  wrong: { parameter, detail: `${parameter}: ${detail}` },
})

/** Reads a request for a watch in one of its three spellings; undefined where it is none. */
export function wishIn({ method, url = '', headers }: IncomingMessage): Wish | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const match = /^(?:\/api\/v1)?\/servers(\/watch)?\/?(?:\?(.*))?$/s.exec(url)
  if (!match) return undefined
  const isStream = match[1] !== undefined
  const parameters = new URLSearchParams(match[2] ?? '')
  const watch = flagIn(parameters.get('watch'))
  const index = parameters.get('index') ?? ''
  if (!isStream && watch === false && index === '') return misplacedIn(parameters)
  if (watch === undefined) return wrong('watch', 'must be true or false')
  const lastEvent = headers['last-event-id']
  const from = (typeof lastEvent === 'string' ? lastEvent : '') || parameters.get('resource_version') || undefined
  return wishFor(parameters, { format: isStream ? 'sse' : watch ? 'lines' : undefined, index, from })
}

/** What goes with a watch means nothing without one. */
function misplacedIn(parameters: URLSearchParams): Wish | undefined {
  if (parameters.get('wait')) return wrong('wait', 'is for a long poll, with index')
  if (parameters.get('resource_version')) return wrong('resource_version', 'is for a watch, with watch=true')
  return undefined
}

function wishFor(
  parameters: URLSearchParams,
  { format, index, from }: { format: Format | undefined; index: string; from: string | undefined },
): Wish {
  for (const name of own) if (parameters.getAll(name).length > 1) return wrong(name, 'is given twice')
  if (flagIn(parameters.get('secrets')) !== false) return wrong('secrets', 'are never watched')
  const misplaced = ofLists.find((name) => parameters.get(name))
  if (misplaced) return wrong(misplaced, 'has no meaning for a watch')
  const parsed = parseQuery(parameters, { besides: own })
  if ('problem' in parsed) return { type: 'wrong', wrong: parsed.problem }
  const { query } = parsed
  const wait = parameters.get('wait') ?? ''
  if (!format) return pollFor(query, index, wait || '30s')
  if (index !== '') return wrong('index', 'is for a long poll; a watch resumes with resource_version or Last-Event-ID')
  if (wait !== '') return wrong('wait', 'is for a long poll, with index')
  return { type: 'stream', format, query, from }
}

function pollFor(query: ServerQuery, index: string, wait: string): Wish {
  const seconds = parseDuration(wait)
  if (seconds === undefined || seconds > longestWait)
    return wrong('wait', `must be a duration of at most ${longestWait}s, such as 30s`)
  return { type: 'poll', query, index, waitMs: seconds * 1000 }
}

/** Undefined for what is neither. */
function flagIn(value: string | null): boolean | undefined {
  const said = (value ?? '').toLowerCase()
  if (said === '' || said === 'false' || said === '0') return false
  return said === 'true' || said === '1' ? true : undefined
}

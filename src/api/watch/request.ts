import type { IncomingMessage } from 'node:http'
import type { ParameterIssue as Wrong } from '../../model/query/query-parser.ts'
import { parseDuration } from '../../model/schema/duration.ts'
import type { StreamFormat } from './frames.ts'

/** How a request asks to be told of changes, and the parameters that say of which. */
export type WatchRequest =
  | {
      readonly type: 'stream'
      readonly format: StreamFormat
      readonly parameters: URLSearchParams
      readonly from: string | undefined
    }
  | { readonly type: 'poll'; readonly parameters: URLSearchParams; readonly index: string; readonly waitMs: number }
  | { readonly type: 'wrong'; readonly wrong: Wrong }

/** The parameters that say how to watch, not what. */
export const own = ['watch', 'index', 'wait', 'resource_version', 'secrets'] as const
/** What says how a list is shown has no meaning for changes. */
const ofLists = ['sort', 'limit', 'continue', 'fields', 'view'] as const
const longestWait = 600
/** Where none of these stands, nor a letter that is encoded, no parameter is one of ours: so it is with most lists. */
const ours = /watch|index|wait|resource_version|%[4-7]/i

const wrong = (parameter: string, detail: string): WatchRequest => ({
  type: 'wrong',
  wrong: { parameter, detail: `${parameter}: ${detail}` },
})

/** Reads a request for a watch in one of its three spellings; undefined where it is none. */
export function parseWatchRequest(
  { method, url = '', headers }: IncomingMessage,
  { path, strict }: StartToken,
): WatchRequest | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const match = targetIn(url, path)
  if (!match || (!match.isStream && !ours.test(match.query))) return undefined
  const parameters = new URLSearchParams(match.query)
  const watch = flagIn(parameters.get('watch'))
  const index = parameters.get('index') ?? ''
  if (!match.isStream && watch === false && index === '') return strict ? misplacedIn(parameters) : undefined
  if (watch === undefined) return wrong('watch', 'must be true or false')
  const lastEvent = headers['last-event-id']
  const from = (typeof lastEvent === 'string' ? lastEvent : '') || parameters.get('resource_version') || undefined
  return wishFor(parameters, { format: match.isStream ? 'sse' : watch ? 'lines' : undefined, index, from })
}

function targetIn(url: string, path: string): { readonly isStream: boolean; readonly query: string } | undefined {
  const start = url.startsWith('/api/v1/') ? '/api/v1'.length : 0
  if (!url.startsWith(path, start)) return undefined
  const end = url.indexOf('?', start)
  const rest = url.slice(start + path.length, end < 0 ? url.length : end)
  const isStream = rest.startsWith('/watch')
  const plain = isStream ? rest.slice('/watch'.length) : rest
  if (plain !== '' && plain !== '/') return undefined
  return { isStream, query: end < 0 ? '' : url.slice(end + 1) }
}

/** Where something can be watched. */
export type StartToken = {
  readonly path: string
  /** Whether parameters that mean nothing there are refused; else they are ignored. */
  readonly strict: boolean
}

/** What goes with a watch means nothing without one. */
function misplacedIn(parameters: URLSearchParams): WatchRequest | undefined {
  if (parameters.get('wait')) return wrong('wait', 'is for a long poll, with index')
  if (parameters.get('resource_version')) return wrong('resource_version', 'is for a watch, with watch=true')
  return undefined
}

function wishFor(
  parameters: URLSearchParams,
  { format, index, from }: { format: StreamFormat | undefined; index: string; from: string | undefined },
): WatchRequest {
  for (const name of own) if (parameters.getAll(name).length > 1) return wrong(name, 'is given twice')
  if (flagIn(parameters.get('secrets')) !== false) return wrong('secrets', 'are never watched')
  const misplaced = ofLists.find((name) => parameters.get(name))
  if (misplaced) return wrong(misplaced, 'has no meaning for a watch')
  const wait = parameters.get('wait') ?? ''
  if (!format) return pollFor(parameters, index, wait || '30s')
  if (index !== '') return wrong('index', 'is for a long poll; a watch resumes with resource_version or Last-Event-ID')
  if (wait !== '') return wrong('wait', 'is for a long poll, with index')
  return { type: 'stream', format, parameters, from }
}

function pollFor(parameters: URLSearchParams, index: string, wait: string): WatchRequest {
  const seconds = parseDuration(wait)
  if (seconds === undefined || seconds > longestWait)
    return wrong('wait', `must be a duration of at most ${longestWait}s, such as 30s`)
  return { type: 'poll', parameters, index, waitMs: seconds * 1000 }
}

/** Undefined for what is neither. */
function flagIn(value: string | null): boolean | undefined {
  const said = (value ?? '').toLowerCase()
  if (said === '' || said === 'false' || said === '0') return false
  return said === 'true' || said === '1' ? true : undefined
}

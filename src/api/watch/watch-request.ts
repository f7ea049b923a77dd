import type { IncomingMessage } from 'node:http'
import { parseFlag } from '../../model/data/flag.ts'
import type { ParameterIssue } from '../../model/query/query-parser.ts'
import { parseDuration } from '../../model/schema/duration.ts'
import type { StreamFormat } from './pieces/frames.ts'

/** A request for changes: a stream, a long poll, or an invalid one. `parameters` also hold the filter. */
export type WatchRequest =
  | {
      readonly type: 'stream'
      readonly format: StreamFormat
      readonly parameters: URLSearchParams
      /** The token to resume from. */
      readonly from: string | undefined
    }
  | { readonly type: 'poll'; readonly parameters: URLSearchParams; readonly index: string; readonly waitMs: number }
  | { readonly type: 'invalid'; readonly issue: ParameterIssue }

/** A path whose resources can be watched. */
export type WatchPath = {
  readonly path: string
  /** Whether `wait` and `resource_version` without a watch are an error; otherwise they are ignored. */
  readonly strict: boolean
  /** Whether `fields` chooses what a watch shows of a resource. */
  readonly hasFields: boolean
}

/** Parameters that control a watch; all others filter. */
export const watchParameters = ['watch', 'index', 'wait', 'resource_version', 'secrets'] as const

/** Parameters that control the display of a list; a watch rejects them. */
const listParameters = ['sort', 'limit', 'continue', 'view'] as const

/** Maximum `wait`, in seconds. */
const maxWait = 600
const defaultWait = '30s'

/** A query without a match is not a watch, so most lists are not parsed here. `%[4-7]` begins an encoded letter. */
const mayControlWatch = /watch|index|wait|resource_version|%[4-7]/i

/** Parses the three spellings of a watch; undefined for another request. */
export function parseWatchRequest(
  { method, url = '', headers }: IncomingMessage,
  { path, strict, hasFields }: WatchPath,
): WatchRequest | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const target = parseTarget(url, path)
  if (!target || (!target.isStream && !mayControlWatch.test(target.query))) return undefined
  const parameters = new URLSearchParams(target.query)
  const watch = flagIn(parameters.get('watch'))
  const index = parameters.get('index') ?? ''
  if (!target.isStream && watch === false && index === '') return strict ? misplaced(parameters) : undefined
  if (watch === undefined) return invalid('watch', 'must be true or false')
  if (!hasFields && parameters.get('fields')) return invalid('fields', 'does not apply to a watch of this path')
  const lastEventId = headers['last-event-id']
  const from = (typeof lastEventId === 'string' ? lastEventId : '') || parameters.get('resource_version') || undefined
  return parseParameters(parameters, { format: target.isStream ? 'sse' : watch ? 'lines' : undefined, index, from })
}

function parseTarget(url: string, path: string): { readonly isStream: boolean; readonly query: string } | undefined {
  const start = url.startsWith('/api/v1/') ? '/api/v1'.length : 0
  if (!url.startsWith(path, start)) return undefined
  const end = url.indexOf('?', start)
  const rest = url.slice(start + path.length, end < 0 ? url.length : end)
  const isStream = rest.startsWith('/watch')
  const tail = isStream ? rest.slice('/watch'.length) : rest
  if (tail !== '' && tail !== '/') return undefined
  return { isStream, query: end < 0 ? '' : url.slice(end + 1) }
}

/** The error for a parameter of a watch on a request without one. */
function misplaced(parameters: URLSearchParams): WatchRequest | undefined {
  if (parameters.get('wait')) return invalid('wait', 'applies to a long poll, with index')
  if (parameters.get('resource_version')) return invalid('resource_version', 'applies to a watch, with watch=true')
  return undefined
}

function parseParameters(
  parameters: URLSearchParams,
  { format, index, from }: { format: StreamFormat | undefined; index: string; from: string | undefined },
): WatchRequest {
  for (const name of watchParameters) if (parameters.getAll(name).length > 1) return invalid(name, 'is given twice')
  if (flagIn(parameters.get('secrets')) !== false) return invalid('secrets', 'does not apply to a watch')
  const listParameter = listParameters.find((name) => parameters.get(name))
  if (listParameter) return invalid(listParameter, 'does not apply to a watch')
  const wait = parameters.get('wait') ?? ''
  if (!format) return parsePoll(parameters, index, wait || defaultWait)
  if (index !== '')
    return invalid('index', 'applies to a long poll; a watch resumes with resource_version or Last-Event-ID')
  if (wait !== '') return invalid('wait', 'applies to a long poll, with index')
  return { type: 'stream', format, parameters, from }
}

function parsePoll(parameters: URLSearchParams, index: string, wait: string): WatchRequest {
  const seconds = parseDuration(wait)
  if (seconds === undefined || seconds > maxWait)
    return invalid('wait', `must be a duration of at most ${maxWait}s, such as ${defaultWait}`)
  return { type: 'poll', parameters, index, waitMs: seconds * 1000 }
}

/** Undefined for a value that is neither true nor false. */
/** An absent or empty parameter is false; undefined for an invalid one. */
function flagIn(value: string | null): boolean | undefined {
  return value === null || value === '' ? false : parseFlag(value)
}

function invalid(parameter: string, detail: string): WatchRequest {
  return { type: 'invalid', issue: { parameter, detail: `${parameter}: ${detail}` } }
}

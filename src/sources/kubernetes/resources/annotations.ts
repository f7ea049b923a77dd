import { nearestTo } from '../../../model/query/fuzzy.ts'
import { parseDuration } from '../../../model/schema/duration.ts'

type Annotations = Readonly<Record<string, string>>

/** An annotation that rejects its Service. The message names the annotation and the problem, not its value. */
export class AnnotationError extends Error {
  override name = 'AnnotationError'

  constructor(annotation: string, problem: string) {
    super(`annotation ${annotation}: ${problem}`)
  }
}

const prefix = 'mcp-roster.io/'

type AnnotationParser = (text: string, annotation: string) => unknown

const parseText: AnnotationParser = (text) => text

function parseList(text: string, annotation: string): unknown {
  if (!/^\s*\[/.test(text)) return text.split(',').flatMap((item) => item.trim() || [])
  const items = parseJson(text, annotation, 'a list separated by commas, or a JSON list')
  if (!Array.isArray(items)) throw new AnnotationError(annotation, 'must be a list separated by commas, or a JSON list')
  return items
}

const booleans = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
])

function parseBoolean(text: string, annotation: string): unknown {
  const value = booleans.get(text.trim().toLowerCase())
  if (value === undefined) throw new AnnotationError(annotation, 'must be "true" or "false"')
  return value
}

function parseSeconds(text: string, annotation: string): unknown {
  const seconds = parseDuration(text)
  if (seconds === undefined) throw new AnnotationError(annotation, 'must be seconds, or text such as "30s" or "5m"')
  return seconds
}

function parseInteger(text: string, annotation: string): unknown {
  if (!/^\d+$/.test(text.trim())) throw new AnnotationError(annotation, 'must be a whole number')
  return Number(text)
}

function parseObject(text: string, annotation: string): unknown {
  const value = parseJson(text, annotation, 'a JSON object')
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AnnotationError(annotation, 'must be a JSON object')
  return value
}

function parseOneOf(...words: readonly string[]): AnnotationParser {
  return (text, annotation) => {
    if (!words.includes(text.trim().toLowerCase()))
      throw new AnnotationError(annotation, `must be one of ${words.join(', ')}`)
    return text.trim().toLowerCase()
  }
}

/**
 * Annotations of a Service that set a field of its server, each after `mcp-roster.io/`.
 *
 * The location annotations (`url`, `path`, `port`, `scheme`) are read together with the ports. No annotation sets headers or
 * tokens, because every account that may list Services could read them.
 */
export const fieldAnnotations: Readonly<Record<string, { field: string; parse: AnnotationParser; help: string }>> = {
  name: { field: 'name', parse: parseText, help: "Name of the server; default: the Service's name." },
  title: { field: 'title', parse: parseText, help: 'Human-readable name.' },
  description: { field: 'description', parse: parseText, help: 'Purpose of the server; overrides `mcp.description`.' },
  version: { field: 'version', parse: parseText, help: 'Version of the server.' },
  type: { field: 'type', parse: parseOneOf('http', 'sse', 'streamable-http'), help: '`http` or `sse`.' },
  tags: {
    field: 'tags',
    parse: parseList,
    help: 'Tags separated by commas; `kubernetes` and `auto-discovered` are added.',
  },
  capabilities: {
    field: 'capabilities',
    parse: parseList,
    help: 'Names separated by commas, or a JSON list of capabilities.',
  },
  dependencies: {
    field: 'dependencies',
    parse: parseList,
    help: 'Names of required capabilities, separated by commas.',
  },
  enabled: { field: 'enabled', parse: parseBoolean, help: '`false`: listed, but neither probed nor given to clients.' },
  'health-check': {
    field: 'health_check',
    parse: parseOneOf('mcp', 'http', 'tcp', 'none'),
    help: 'Kind of probe: `mcp`, `http`, `tcp` or `none`.',
  },
  'health-check-url': {
    field: 'health_check_url',
    parse: parseText,
    help: 'URL that answers 2xx while the server is healthy.',
  },
  'health-check-interval': { field: 'health_check_interval', parse: parseSeconds, help: 'Seconds between two probes.' },
  'auto-reconnect': { field: 'auto_reconnect', parse: parseBoolean, help: 'A hint for clients.' },
  'max-retries': { field: 'max_retries', parse: parseInteger, help: 'A hint for clients.' },
  'retry-delay': { field: 'retry_delay', parse: parseSeconds, help: 'A hint for clients.' },
  metadata: { field: 'metadata', parse: parseObject, help: 'Additional data, a JSON object.' },
}

/** Annotations that set the URL of a server, each after `mcp-roster.io/`. */
export const locationAnnotations = {
  url: 'Complete URL; overrides the ports. `annotation_urls` limits its host.',
  path: 'Path of the MCP endpoint; default `/mcp` (`/sse` for type sse).',
  port: 'Number or name of the port.',
  scheme: '`http` or `https`.',
} as const

/** The trimmed value of a location annotation; undefined if it is blank. */
export function locationAnnotation(
  annotations: Annotations,
  name: keyof typeof locationAnnotations,
): string | undefined {
  return annotations[prefix + name]?.trim() || undefined
}

/** Throws an `AnnotationError` for a key with the prefix of this program that no annotation has. */
function rejectUnknown(annotations: Annotations): void {
  const known = [...Object.keys(locationAnnotations), ...Object.keys(fieldAnnotations)]
  for (const key of Object.keys(annotations)) {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : undefined
    if (name === undefined || known.includes(name)) continue
    const nearest = nearestTo(name, known)
    const remedy = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${prefix}${nearest}?`
    throw new AnnotationError(key, `unknown annotation; ${remedy}`)
  }
}

/** The fields that annotations set. Throws an `AnnotationError` for the first unknown or invalid one. */
export function parseFieldAnnotations(annotations: Annotations): Record<string, unknown> {
  rejectUnknown(annotations)
  const fields: Record<string, unknown> = {}
  if (annotations['mcp.description']) fields['description'] = annotations['mcp.description']
  for (const [name, { field, parse }] of Object.entries(fieldAnnotations)) {
    const text = annotations[prefix + name]
    if (text !== undefined && text.trim() !== '') fields[field] = parse(text, prefix + name)
  }
  return fields
}

/** The command of the annotations `mcp.command`, `mcp.args` and `mcp.env` of the original server registry, if present. */
export function parseCommandAnnotations(annotations: Annotations): Record<string, unknown> | undefined {
  const command = annotations['mcp.command']?.trim()
  if (!command) return undefined
  const argsText = annotations['mcp.args']?.trim()
  const args = argsText ? parseJson(argsText, 'mcp.args', 'a JSON list of strings') : []
  if (!Array.isArray(args)) throw new AnnotationError('mcp.args', 'must be a JSON list of strings')
  const env = annotations['mcp.env']?.trim() ? parseObject(annotations['mcp.env'], 'mcp.env') : {}
  return { type: 'stdio', command, args, env }
}

function parseJson(text: string, annotation: string, expected: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new AnnotationError(annotation, `must be ${expected}; it is not valid JSON`)
  }
}

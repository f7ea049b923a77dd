import { parseDuration } from '../../../model/schema/duration.ts'

type Annotations = Readonly<Record<string, string>>

/** An annotation that says something else than it can mean. */
export class AnnotationError extends Error {
  override name = 'AnnotationError'

  constructor(annotation: string, expected: string) {
    super(`annotation ${annotation}: must be ${expected}`)
  }
}

const prefix = 'mcp-roster.io/'

type Read = (text: string, annotation: string) => unknown

const plain: Read = (text) => text

function list(text: string, annotation: string): unknown {
  if (!/^\s*\[/.test(text)) return text.split(',').flatMap((item) => item.trim() || [])
  const items = json(text, annotation, 'a list separated by commas, or a JSON list')
  if (!Array.isArray(items)) throw new AnnotationError(annotation, 'a list separated by commas, or a JSON list')
  return items
}

const truths = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
])

function truth(text: string, annotation: string): unknown {
  const value = truths.get(text.trim().toLowerCase())
  if (value === undefined) throw new AnnotationError(annotation, '"true" or "false"')
  return value
}

function time(text: string, annotation: string): unknown {
  const seconds = parseDuration(text)
  if (seconds === undefined) throw new AnnotationError(annotation, 'seconds, or text such as "30s" or "5m"')
  return seconds
}

function count(text: string, annotation: string): unknown {
  if (!/^\d+$/.test(text.trim())) throw new AnnotationError(annotation, 'a whole number')
  return Number(text)
}

function map(text: string, annotation: string): unknown {
  const value = json(text, annotation, 'a JSON object')
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AnnotationError(annotation, 'a JSON object')
  return value
}

function oneOf(...words: readonly string[]): Read {
  return (text, annotation) => {
    if (!words.includes(text.trim().toLowerCase())) throw new AnnotationError(annotation, `one of ${words.join(', ')}`)
    return text.trim().toLowerCase()
  }
}

/**
 * Annotations of a Service that say a field of its server, each after `mcp-roster.io/`.
 *
 * `url`, `path`, `port` and `scheme`, which say where it is, are read beside the ports. There is none for headers or
 * tokens: everybody who may list Services could read them.
 */
export const fieldAnnotations: Readonly<Record<string, { field: string; read: Read; help: string }>> = {
  name: { field: 'name', read: plain, help: "Name of the server, instead of the Service's." },
  title: { field: 'title', read: plain, help: 'A name for people.' },
  description: { field: 'description', read: plain, help: 'What it is for; wins over mcp.description.' },
  version: { field: 'version', read: plain, help: 'Version of the server.' },
  type: { field: 'type', read: oneOf('http', 'sse', 'streamable-http'), help: '`http` or `sse`.' },
  tags: { field: 'tags', read: list, help: 'Separated by commas; `kubernetes` and `auto-discovered` are added.' },
  capabilities: {
    field: 'capabilities',
    read: list,
    help: 'Names separated by commas, or a JSON list of capabilities.',
  },
  dependencies: { field: 'dependencies', read: list, help: 'Names of capabilities it needs, separated by commas.' },
  enabled: { field: 'enabled', read: truth, help: '`false`: listed, but neither probed nor given to clients.' },
  'health-check': { field: 'health_check', read: oneOf('mcp', 'http', 'tcp', 'none'), help: 'How it is checked.' },
  'health-check-url': { field: 'health_check_url', read: plain, help: 'Answers 2xx while it is well.' },
  'health-check-interval': { field: 'health_check_interval', read: time, help: 'Seconds between two checks.' },
  'auto-reconnect': { field: 'auto_reconnect', read: truth, help: 'A hint for clients.' },
  'max-retries': { field: 'max_retries', read: count, help: 'A hint for clients.' },
  'retry-delay': { field: 'retry_delay', read: time, help: 'A hint for clients.' },
  metadata: { field: 'metadata', read: map, help: 'A JSON object of further facts.' },
}

/** Annotations that say where a server is, each after `mcp-roster.io/`. */
export const locationAnnotations = {
  url: 'The whole address; wins over ports.',
  path: 'Path of the MCP endpoint; `/mcp` (`/sse` for type sse) if left out.',
  port: 'Number or name of the port.',
  scheme: '`http` or `https`.',
} as const

/** One of our annotations, as it is written; undefined when it is blank. */
export function locationAnnotation(
  annotations: Annotations,
  name: keyof typeof locationAnnotations,
): string | undefined {
  return annotations[prefix + name]?.trim() || undefined
}

/** The fields that annotations say. Throws an `AnnotationError` that names the one it cannot read. */
export function parseFieldAnnotations(annotations: Annotations): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  if (annotations['mcp.description']) fields['description'] = annotations['mcp.description']
  for (const [name, { field, read }] of Object.entries(fieldAnnotations)) {
    const text = annotations[prefix + name]
    if (text !== undefined && text.trim() !== '') fields[field] = read(text, prefix + name)
  }
  return fields
}

/** The command of the originals' annotations `mcp.command`, `mcp.args` and `mcp.env`, if there is one. */
export function parseCommandAnnotations(annotations: Annotations): Record<string, unknown> | undefined {
  const command = annotations['mcp.command']?.trim()
  if (!command) return undefined
  const args = annotations['mcp.args']?.trim() ? json(annotations['mcp.args'], 'mcp.args', 'a JSON list of texts') : []
  if (!Array.isArray(args)) throw new AnnotationError('mcp.args', 'a JSON list of texts')
  const env = annotations['mcp.env']?.trim() ? map(annotations['mcp.env'], 'mcp.env') : {}
  return { type: 'stdio', command, args, env }
}

function json(text: string, annotation: string, expected: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new AnnotationError(annotation, `${expected}, and it is no valid JSON`)
  }
}

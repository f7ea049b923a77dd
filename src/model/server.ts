import * as z from 'zod'
import { toCapability, Capability } from './capability.ts'
import { mapValues } from './data/map-values.ts'
import { Reason, Status } from './health.ts'
import { Labels } from './labels.ts'
import { Namespace, ServerName } from './names.ts'
import { parseDuration } from './schema/duration.ts'
import { memoizedSchema } from './schema/lazy-schema.ts'

export const Transport = z.enum(['stdio', 'http', 'sse'])
export type Transport = z.output<typeof Transport>

export const HealthCheck = z.enum(['mcp', 'http', 'tcp', 'none'])
export type HealthCheck = z.output<typeof HealthCheck>

/** An http or https URL. A URL with a `${placeholder}` is valid, kept as it is, and never called. */
export const HttpUrl = z.lazy(() => z.string().max(4096).refine(isHttpUrl, 'must be a URL of http or https'))

export function isHttpUrl(text: string): boolean {
  if (!/^https?:\/\/[^/]/i.test(text)) return false
  return text.includes('${') || URL.canParse(text)
}

const StringMap = z.lazy(() =>
  z.record(z.string(), z.string()).refine((map) => Object.keys(map).length <= 256, 'has too many keys'),
)

/** The fields of a parsed definition: defaults filled in, synonyms resolved. */
export const DefinitionFields = memoizedSchema(() =>
  z.object({
    name: ServerName.describe('Unique in its namespace.'),
    namespace: Namespace.default('default').describe('Groups servers; a DNS label.'),
    title: z.string().max(253).optional().describe('A name for people.'),
    description: z.string().max(10_000).optional(),
    type: z
      .enum(Transport.options, {
        error: ({ input }) => (input === undefined ? 'has neither a command nor a url' : undefined),
      })
      .describe('Transport. Inferred: `command` means stdio, `url` means http.'),
    command: z.string().min(1).max(4096).optional().describe('Program that a client starts (stdio).'),
    args: z.array(z.string().max(65_536)).max(1024).optional(),
    env: StringMap.optional().describe(
      'Environment of the command. Values are not shown, but for those that `plain` names, LOG_LEVEL and the like.',
    ),
    plain: z
      .array(z.string().min(1).max(253))
      .max(256)
      .optional()
      .describe(
        'Names of variables in `env` whose values are shown. Counts in definitions of the operator only: sources that may introduce commands, and servers written by hand.',
      ),
    cwd: z.string().max(4096).optional(),
    url: z.string().max(4096).optional().describe('Address of the server (http, sse).'),
    headers: StringMap.optional().describe('Sent by clients. Values are never shown.'),
    enabled: z
      .boolean()
      .default(true)
      .describe('A disabled server is listed, but neither probed nor given to clients.'),
    tags: z.array(z.string().min(1).max(253)).max(256).default([]),
    labels: Labels.default({}),
    annotations: z.record(z.string(), z.string().max(262_144)).default({}),
    version: z.string().max(253).optional(),
    capabilities: z.array(Capability).max(1000).default([]),
    dependencies: z.array(z.string().min(1).max(253)).max(256).default([]).describe('Names of capabilities it needs.'),
    health_check_url: HttpUrl.optional().describe('A URL that answers 2xx while the server is healthy.'),
    health_check: HealthCheck.describe(
      'Probe: `http` if a health_check_url is given, else `mcp` for a URL, else `none`.',
    ),
    health_check_interval: z
      .number()
      .min(1)
      .max(86_400)
      .optional()
      .describe('Seconds between two probes. Default: `health.interval` of the config.'),
    auto_reconnect: z.boolean().default(true).describe('A hint for clients.'),
    max_retries: z.number().int().min(0).max(1_000_000).default(3).describe('A hint for clients.'),
    retry_delay: z.number().min(0).max(86_400).default(5).describe('A hint for clients, in seconds.'),
    metadata: z.record(z.string(), z.unknown()).default({}),
  }),
)

const transports: Record<string, Transport> = {
  stdio: 'stdio',
  http: 'http',
  https: 'http',
  'streamable-http': 'http',
  streamablehttp: 'http',
  streamable_http: 'http',
  sse: 'sse',
}

function transportOf({ type, transport, command, url }: Record<string, unknown>): unknown {
  const explicit = type ?? transport
  if (typeof explicit === 'string') return transports[explicit.toLowerCase()] ?? explicit
  if (explicit !== undefined && explicit !== null) return explicit
  if (command !== undefined) return 'stdio'
  return url !== undefined ? 'http' : undefined
}

/** Converts scalars to text: YAML reads `version: 1.0` as a number. */
function toText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
}

export function toTextMap(value: unknown): unknown {
  if (value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return value
  return mapValues(value as Readonly<Record<string, unknown>>, toText)
}

function toTextList(value: unknown): unknown {
  if (value === null) return undefined
  return Array.isArray(value) ? value.map(toText) : value
}

function normalizeDefinition(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw
  const given: Record<string, unknown> = { ...raw }
  for (const key of Object.keys(given)) if (given[key] === null) delete given[key]
  const type = transportOf(given)
  const url = given['url']
  const stdio = type === 'stdio'
  return withoutUndefined({
    ...given,
    type,
    name: toText(given['name']),
    version: toText(given['version']),
    args: toTextList(given['args'] ?? (stdio ? [] : undefined)),
    env: toTextMap(given['env'] ?? (stdio ? {} : undefined)),
    headers: toTextMap(given['headers'] ?? (stdio ? undefined : {})),
    labels: toTextMap(given['labels']),
    annotations: toTextMap(given['annotations']),
    tags: toTextList(given['tags']),
    capabilities: Array.isArray(given['capabilities'])
      ? given['capabilities'].map(toCapability)
      : given['capabilities'],
    health_check: given['health_check'] ?? (given['health_check_url'] ? 'http' : url && !stdio ? 'mcp' : 'none'),
    health_check_interval: seconds(given['health_check_interval'], 1),
    retry_delay: seconds(given['retry_delay'], 0),
  })
}

/** Removes undefined fields, so that a parsed definition equals the same definition read from a store as JSON. */
function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  for (const key of Object.keys(fields)) if (fields[key] === undefined) delete fields[key]
  return fields
}

/** A duration in seconds, raised to its floor; an invalid one is returned as it is, and the schema rejects it. */
function seconds(value: unknown, floor: number): unknown {
  const parsed = parseDuration(value)
  return parsed === undefined ? value : Math.max(floor, parsed)
}

/** The definition of one server by a source. Accepts every spelling that clients use; unknown fields are dropped. */
export const ServerDefinition = z.lazy(() =>
  z.preprocess(
    normalizeDefinition,
    DefinitionFields.unwrap().superRefine((server, context) => {
      const reject = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
      // The `stdio://name` of an agent is an address, not a command.
      if (server.type === 'stdio' && !server.command && !server.url?.startsWith('stdio://')) {
        reject('command', 'is needed for a stdio server')
      }
      if ((server.type === 'http' || server.type === 'sse') && !HttpUrl.safeParse(server.url).success) {
        reject(
          'url',
          server.url === undefined ? `is needed for a server of type ${server.type}` : 'must be a URL of http or https',
        )
      }
      if (server.health_check === 'http' && !server.health_check_url && !server.url) {
        reject('health_check_url', 'is needed for the health check "http"')
      }
    }),
  ),
)
export type ServerDefinition = z.output<typeof ServerDefinition>

export const DiscoveryMethod = z.enum([
  'config_file',
  'environment',
  'kubernetes',
  'http_discovery',
  'dns_srv',
  'roster',
  'manual',
  'registered',
])
export type DiscoveryMethod = z.output<typeof DiscoveryMethod>

/** What a server shows as `health_check_interval` whose definition names none, as in the original registry. */
export const shownInterval = 30

/** What an administrator decided about a server, above what its source says. */
export const Override = memoizedSchema(() =>
  z.object({
    enabled: z.boolean(),
    by: z.string().describe('Name of the token that set it.'),
    at: z.string().describe('Time of the store (RFC 3339).'),
  }),
)
export type Override = z.output<typeof Override>

/** One server as the API shows it. Every field is versioned. */
export const Server = memoizedSchema(() =>
  DefinitionFields.unwrap().extend({
    health_check_interval: z
      .number()
      .describe(`Seconds between two probes; ${shownInterval} where the definition names none.`),
    id: z.string().describe('`namespace/name`.'),
    status: Status,
    health: z.object({
      since: z.string().describe('Start of the status (RFC 3339).'),
      reason: Reason.optional(),
      protocol_version: z.string().optional().describe('MCP revision of the server, from its last successful probe.'),
    }),
    source: z.string().describe('Name of the source that defined it.'),
    origin: z.string().describe('The file, object, URL or name in the source.'),
    discovery_method: DiscoveryMethod,
    shadows: z
      .array(z.object({ source: z.string(), origin: z.string() }))
      .describe('Definitions of the same name with lower precedence, best first.'),
    override: Override.unwrap()
      .optional()
      .describe('Set by an administrator: `enabled` is as it says, whatever the source says.'),
    stale: z.boolean().describe('Its origin fails now; this is the last good definition.'),
    created_at: z.string(),
    updated_at: z.string(),
    resource_version: z.string(),
  }),
)
export type Server = z.output<typeof Server>

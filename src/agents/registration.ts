import * as z from 'zod'
import { asCapability } from '../model/capability.ts'
import { parseDuration } from '../model/duration.ts'
import { asTextMap, DefinitionFields, HttpUrl, ServerDefinition } from '../model/server.ts'

/** What the mesh knows of an agent beyond what every server has. Kept with it, shown at `/agents`. */
export type AgentFacts = {
  /** The name as the mesh shows it, made fit: lower-case letters, digits and dashes. */
  readonly name: string
  readonly endpoint: string
  readonly agent_type: string
  readonly health_interval: number
  readonly timeout_threshold: number
  readonly eviction_threshold: number
  readonly config: Record<string, unknown>
  readonly security_context: string | null
  readonly transport?: readonly string[]
}

/** A registration as it was understood: the server, the mesh's facts, and how it wants to be taken. */
export type AgentRequest = {
  readonly id: string
  readonly definition: ServerDefinition
  readonly facts: AgentFacts
  readonly instance_id?: string | undefined
  readonly takeover: boolean
  /** Only if this is still the version there; undefined: whatever is there. */
  readonly expected?: string | undefined
  /** Whether it counts as a heartbeat. */
  readonly beats: boolean
  /** What moves with every heartbeat. Where it has `metadata`, the config is no part of what the agent is. */
  readonly sent?: Sent | undefined
}

/** What an agent says with a heartbeat, beside that it lives. */
export type Sent = {
  readonly status?: 'healthy' | 'degraded'
  readonly timestamp?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** What an agent sent cannot be taken. `field` names the part. */
export class RegistrationProblem extends Error {
  override name = 'RegistrationProblem'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

const secondsIn = (least: number, most: number) =>
  z
    .unknown()
    .transform((value, context) => {
      const seconds = parseDuration(value)
      if (seconds !== undefined && seconds >= least && seconds <= most) return seconds
      context.addIssue({ code: 'custom', message: `must be a number of seconds from ${least} to ${most}` })
      return z.NEVER
    })
    .optional()

/**
 * Everything that any stage of the mesh sent, under the names it used. What a definition is made of is checked here as
 * every definition is, and nowhere again. Unknown fields are ignored, as they always were.
 */
const Registration = z.lazy(() => {
  const { shape } = DefinitionFields.unwrap()
  return z.object({
    id: shape.name,
    name: z.string().optional(),
    namespace: shape.namespace,
    description: shape.description,
    version: shape.version,
    endpoint: z
      .string()
      .max(4096 - 'stdio://'.length)
      .refine((text) => !isHttp(text) || HttpUrl.safeParse(text).success, 'must be a URL of http or https')
      .optional(),
    agent_type: z.string().max(253).optional(),
    labels: shape.labels,
    annotations: shape.annotations,
    tags: shape.tags,
    capabilities: shape.capabilities,
    dependencies: shape.dependencies,
    config: z.record(z.string(), z.unknown()).optional(),
    security_context: z.string().optional(),
    transport: z.array(z.string()).max(16).optional(),
    health_interval: secondsIn(0, 86_400),
    timeout_threshold: secondsIn(1, 86_400),
    eviction_threshold: secondsIn(1, 7 * 86_400),
    health_check: shape.health_check.optional(),
    health_check_url: shape.health_check_url,
    instance_id: z.string().max(253).optional(),
    takeover: z.boolean().optional(),
    resource_version: z.string().optional(),
  })
})
type Registration = z.output<typeof Registration>

/** The originals' thresholds by type, in seconds: timeout, eviction. */
const byType: Record<string, readonly [number, number]> = {
  'file-agent': [90, 180],
  worker: [45, 90],
  critical: [30, 60],
}

const demanded = ['authentication', 'authorization', 'audit']

/** Thresholds for agents that name none, in seconds. */
export type Thresholds = { readonly timeout: number; readonly eviction: number }

/** Reads an AgentRegistration; throws a `RegistrationProblem` that names the field. */
export function parseAgent(
  value: unknown,
  { defaults, beats, sent: said }: { defaults: Thresholds; beats: boolean; sent?: Sent | undefined },
): AgentRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RegistrationProblem('registration', 'a registration must be a JSON object')
  }
  if (!('id' in value) || value.id === null || value.id === undefined || value.id === '') {
    throw new RegistrationProblem('id', "Validation failed: 'id' field is required")
  }
  const parsed = Registration.safeParse(asMeant(value))
  if (!parsed.success) throw problemIn(parsed.error)
  const sent = parsed.data
  const facts = factsOf(sent, defaults)
  const definition = definitionOf(sent, facts)
  secure(sent, definition)
  return {
    id: sent.id,
    definition,
    facts,
    instance_id: sent.instance_id,
    takeover: sent.takeover ?? false,
    expected: sent.resource_version || undefined,
    beats,
    sent: said,
  }
}

/** How deep what is sent may be nested. */
export const deepest = 32

/** Whether there are objects in objects beyond `most`; goes no deeper than that itself. */
export function isDeeperThan(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (most < 0) return true
  if (Array.isArray(value)) return value.some((one) => isDeeperThan(one, most - 1))
  for (const key in value) if (isDeeperThan((value as Fields)[key], most - 1)) return true
  return false
}

type Fields = Readonly<Record<string, unknown>>

/** What is null is as if it were not there. */
export function withoutNulls(fields: Fields): Fields {
  for (const key in fields) {
    if (fields[key] === null) return Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== null))
  }
  return fields
}

/** What was sent in the shape of a definition, unchecked: texts for what YAML reads as numbers, tags that are labels. */
function asMeant(value: object): Fields {
  const sent = withoutNulls(value as Fields)
  const { namespace, tags, labels, annotations, capabilities, security_context: security } = sent
  return {
    ...sent,
    name: asText(sent['name']),
    namespace: namespace === '' ? undefined : namespace,
    version: asText(sent['version']),
    tags: isMap(tags) ? undefined : Array.isArray(tags) ? tags.map(asText) : tags,
    labels: asTextMap(isMap(tags) && (labels === undefined || isMap(labels)) ? { ...tags, ...labels } : labels),
    annotations: isMap(annotations) ? textual(annotations) : annotations,
    capabilities: Array.isArray(capabilities) ? capabilities.map(capabilityOf) : capabilities,
    security_context: isMap(security) ? JSON.stringify(security) : security,
    resource_version: asText(sent['resource_version']),
  }
}

function asText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function problemIn(error: z.ZodError): RegistrationProblem {
  const [issue] = error.issues
  const field = issue?.path.join('.') || 'registration'
  return new RegistrationProblem(field, `Validation failed: '${field}' ${issue?.message ?? 'is not valid'}`)
}

function factsOf(sent: Registration, defaults: Thresholds): AgentFacts {
  const agent_type = fitName(sent.agent_type ?? 'default')
  const [timeout, eviction] = byType[agent_type] ?? [defaults.timeout, defaults.eviction]
  const timeout_threshold = sent.timeout_threshold ?? timeout
  return {
    name: fitName(sent.name ?? sent.id),
    endpoint: sent.endpoint || `stdio://${sent.id}`,
    agent_type,
    health_interval: sent.health_interval ?? 30,
    timeout_threshold,
    eviction_threshold: Math.max(
      timeout_threshold,
      sent.eviction_threshold ?? Math.max(eviction, 2 * timeout_threshold),
    ),
    config: sent.config ?? {},
    security_context: sent.security_context ?? null,
    ...(sent.transport && { transport: sent.transport }),
  }
}

function definitionOf(sent: Registration, facts: AgentFacts): ServerDefinition {
  const { id, name = id, namespace, description, version, health_check_url } = sent
  const address = addressOf(facts.endpoint)
  return {
    ...plain(address.type),
    ...address,
    name: id,
    namespace,
    title: name.slice(0, 253),
    ...(description !== undefined && { description }),
    ...(version !== undefined && { version }),
    labels: sent.labels,
    annotations: { ...sent.annotations, ...originals(sent, facts) },
    tags: sent.tags,
    capabilities: sent.capabilities,
    dependencies: sent.dependencies,
    // The registry never calls an agent unless it asked to be probed.
    health_check: sent.health_check ?? (health_check_url ? 'http' : 'none'),
    ...(health_check_url !== undefined && { health_check_url }),
    metadata: { agent_type: facts.agent_type },
  }
}

/** What a definition holds of which nothing is said; made when it is first needed. */
const defaults: { -readonly [Type in 'http' | 'stdio']?: ServerDefinition } = {}

function plain(type: 'http' | 'stdio'): ServerDefinition {
  return (defaults[type] ??= ServerDefinition.parse({ name: 'agent', type, url: `${type}://agent` }))
}

function isHttp(endpoint: string): boolean {
  return /^https?:/i.test(endpoint)
}

/** Where an agent is reached; what is no address of HTTP is one of the agent's own making. */
export function addressOf(endpoint: string): { type: 'http' | 'stdio'; url: string } {
  if (isHttp(endpoint)) return { type: 'http', url: endpoint }
  return { type: 'stdio', url: endpoint.startsWith('stdio://') ? endpoint : `stdio://${endpoint}` }
}

/** What was made fit is kept as it was sent. */
function originals({ name, agent_type }: Registration, facts: AgentFacts): Record<string, string> {
  return {
    ...(name !== undefined && name !== facts.name && { original_name: name }),
    ...(agent_type !== undefined && agent_type !== facts.agent_type && { original_agent_type: agent_type }),
  }
}

function textual(values: Fields): Fields {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

function capabilityOf(sent: unknown): unknown {
  if (!isMap(sent)) return asCapability(sent)
  const given = withoutNulls(sent)
  const schema = given['input_schema'] ?? given['parameters_schema'] ?? given['parameters']
  return { ...given, ...(typeof schema === 'object' && { input_schema: schema }), kind: 'declared', origin: 'declared' }
}

function secure({ security_context }: Registration, { capabilities }: ServerDefinition): void {
  if (security_context !== 'high_security') return
  const missing = demanded.filter((name) => !capabilities.some((capability) => capability.name === name))
  if (missing.length === 0) return
  const text = `Validation failed: security_context 'high_security' demands the capabilities ${demanded.join(', ')}; missing: ${missing.join(', ')}`
  throw new RegistrationProblem('security_context', text)
}

/** Lower case, everything but letters, digits and dashes a dash, none doubled or at an end; `agent` where nothing is left. */
export function fitName(text: string): string {
  const fit = text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/-{2,}/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return fit || 'agent'
}

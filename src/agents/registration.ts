import * as z from 'zod'
import { parseDuration } from '../model/duration.ts'
import { defaultNamespace } from '../model/names.ts'
import { ServerDefinition } from '../model/server.ts'

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

const Text = z.union([z.string(), z.number()]).transform(String)

/** Everything that any stage of the mesh sent, under the names it used. Unknown fields are ignored, as they always were. */
const Registration = z.looseObject({
  id: z.string(),
  name: Text.nullish(),
  namespace: z.string().nullish(),
  description: z.string().nullish(),
  version: Text.nullish(),
  endpoint: z.string().max(4096).nullish(),
  agent_type: z.string().max(253).nullish(),
  labels: z.record(z.string(), z.unknown()).nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
  tags: z.union([z.array(Text), z.record(z.string(), z.unknown())]).nullish(),
  capabilities: z
    .array(z.union([z.string(), z.record(z.string(), z.unknown())]))
    .max(1000)
    .nullish(),
  dependencies: z.array(z.string()).max(256).nullish(),
  config: z.record(z.string(), z.unknown()).nullish(),
  security_context: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  transport: z.array(z.string()).max(16).nullish(),
  health_interval: secondsIn(0, 86_400),
  timeout_threshold: secondsIn(1, 86_400),
  eviction_threshold: secondsIn(1, 7 * 86_400),
  health_check: z.string().nullish(),
  health_check_url: z.string().nullish(),
  instance_id: z.string().max(253).nullish(),
  takeover: z.boolean().nullish(),
  resource_version: Text.nullish(),
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
  if (isDeeperThan(value, deepest)) {
    throw new RegistrationProblem('registration', `Validation failed: it is nested deeper than ${deepest} levels`)
  }
  const parsed = Registration.safeParse(withoutNulls(value))
  if (!parsed.success) throw problemIn(parsed.error)
  const sent = parsed.data
  const facts = factsOf(sent, defaults)
  const definition = ServerDefinition.safeParse(definitionOf(sent, facts))
  if (!definition.success) throw problemIn(definition.error, asSent)
  secure(sent, definition.data)
  return {
    id: sent.id,
    definition: definition.data,
    facts,
    instance_id: sent.instance_id ?? undefined,
    takeover: sent.takeover ?? false,
    expected: sent.resource_version || undefined,
    beats,
    sent: said,
  }
}

/** How deep what is sent may be nested. */
export const deepest = 32

/** Whether there are objects in objects beyond `most`; asks without recursion, since that is what breaks others. */
export function isDeeperThan(value: unknown, most: number): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true
    const below: unknown[] = []
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue
      for (const child of Object.values(one)) if (typeof child === 'object' && child !== null) below.push(child)
    }
    level = below
  }
  return false
}

/** What is null is as if it were not there. */
function withoutNulls(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null))
}

/** What a part of the definition is called in a registration. */
const asSent: Readonly<Record<string, string>> = { name: 'id', title: 'name', url: 'endpoint' }

function problemIn(error: z.ZodError, names: Readonly<Record<string, string>> = {}): RegistrationProblem {
  const [issue] = error.issues
  const field = issue?.path.join('.') || 'registration'
  const named = names[field] ?? field
  return new RegistrationProblem(named, `Validation failed: '${named}' ${issue?.message ?? 'is not valid'}`)
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
    security_context:
      typeof sent.security_context === 'object'
        ? JSON.stringify(sent.security_context)
        : (sent.security_context ?? null),
    ...(sent.transport && { transport: sent.transport }),
  }
}

function definitionOf(sent: Registration, facts: AgentFacts): Record<string, unknown> {
  const tags = Array.isArray(sent.tags) ? { tags: sent.tags } : {}
  const labels = { ...(Array.isArray(sent.tags) ? {} : sent.tags), ...sent.labels }
  return {
    name: sent.id,
    namespace: sent.namespace || defaultNamespace,
    title: (sent.name ?? sent.id).slice(0, 253),
    description: sent.description ?? undefined,
    version: sent.version ?? undefined,
    ...addressOf(facts.endpoint),
    labels,
    annotations: { ...textual(sent.annotations ?? {}), ...originals(sent, facts) },
    ...tags,
    capabilities: (sent.capabilities ?? []).map(capabilityOf),
    dependencies: sent.dependencies ?? [],
    // The registry never calls an agent unless it asked to be probed.
    health_check: sent.health_check ?? (sent.health_check_url ? 'http' : 'none'),
    health_check_url: sent.health_check_url ?? undefined,
    metadata: { agent_type: facts.agent_type },
  }
}

/** Where an agent is reached; what is no address of HTTP is one of the agent's own making. */
export function addressOf(endpoint: string): { type: 'http' | 'stdio'; url: string } {
  if (/^https?:/i.test(endpoint)) return { type: 'http', url: endpoint }
  return { type: 'stdio', url: endpoint.startsWith('stdio://') ? endpoint : `stdio://${endpoint}` }
}

/** What was made fit is kept as it was sent. */
function originals({ name, agent_type }: Registration, facts: AgentFacts): Record<string, string> {
  return {
    ...(name !== undefined && name !== null && name !== facts.name && { original_name: name }),
    ...(agent_type !== undefined &&
      agent_type !== null &&
      agent_type !== facts.agent_type && { original_agent_type: agent_type }),
  }
}

function textual(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

function capabilityOf(sent: string | Record<string, unknown>): unknown {
  if (typeof sent === 'string') return { name: sent }
  const schema = sent['input_schema'] ?? sent['parameters_schema'] ?? sent['parameters']
  const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null))
  return {
    ...given,
    ...(typeof schema === 'object' && schema !== null && { input_schema: schema }),
    kind: 'declared',
    origin: 'declared',
  }
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

import * as z from 'zod'
import { parseDuration } from '../../model/schema/duration.ts'
import { zodMessage } from '../../model/schema/zod-messages.ts'
import { DefinitionFields, isHttpUrl, ServerDefinition } from '../../model/server.ts'
import { endpointAddress, type AgentSpec, agentSpecOf, isHttpEndpoint, type LeaseThresholds } from '../agent-spec.ts'
import type { Agent } from '../agent.ts'
import { RegistrationProblem } from '../errors.ts'
import { normalizeRegistration } from './normalize.ts'
import { unchangedFields } from './unchanged-fields.ts'

/** A registration as it was understood: the server, the mesh's facts, and how it wants to be taken. */
export type AgentRequest = {
  readonly id: string
  readonly definition: ServerDefinition
  readonly spec: AgentSpec
  readonly instance_id?: string | undefined
  readonly takeover: boolean
  /** Only if this is still the version there; undefined: whatever is there. */
  readonly expectedVersion?: string | undefined
  /** Whether it counts as a heartbeat. */
  readonly countsAsHeartbeat: boolean
  /** What moves with every heartbeat. Where it has `metadata`, the config is no part of what the agent is. */
  readonly sent?: HeartbeatPayload | undefined
}

/** What an agent says with a heartbeat, beside that it lives. */
export type HeartbeatPayload = {
  readonly status?: 'healthy' | 'degraded'
  readonly timestamp?: string
  readonly metadata?: Readonly<Record<string, unknown>>
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
      .refine((text) => !isHttpEndpoint(text) || isHttpUrl(text), 'must be a URL of http or https')
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

const demanded = ['authentication', 'authorization', 'audit']

/** Reads an AgentRegistration; throws a `RegistrationProblem` that names the field. */
export function parseAgent(
  value: unknown,
  {
    defaults,
    countsAsHeartbeat,
    sent: said,
    known,
  }: {
    defaults: LeaseThresholds
    countsAsHeartbeat: boolean
    sent?: HeartbeatPayload | undefined
    /** The agent of that id, as it is known already. */
    known?: Pick<Agent, 'definition' | 'spec'> | undefined
  },
): AgentRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RegistrationProblem('registration', 'a registration must be a JSON object')
  }
  if (!('id' in value) || value.id === null || value.id === undefined || value.id === '') {
    throw new RegistrationProblem('id', "Validation failed: 'id' field is required")
  }
  const meant = normalizeRegistration(value)
  const parts = known ? unchangedFields(meant, known) : {}
  for (const field in parts) meant[field] = undefined
  const parsed = Registration.safeParse(meant, { error: zodMessage })
  if (!parsed.success) throw problemIn(parsed.error)
  const sent = { ...parsed.data, ...parts }
  const spec = agentSpecOf(sent, defaults)
  const definition = definitionOf(sent, spec)
  secure(sent, definition)
  return {
    id: sent.id,
    definition,
    spec,
    instance_id: sent.instance_id,
    takeover: sent.takeover ?? false,
    expectedVersion: sent.resource_version || undefined,
    countsAsHeartbeat,
    sent: said,
  }
}

function problemIn(error: z.ZodError): RegistrationProblem {
  const [issue] = error.issues
  const field = issue?.path.join('.') || 'registration'
  return new RegistrationProblem(field, `Validation failed: '${field}' ${issue?.message ?? 'is not valid'}`)
}

function definitionOf(sent: Registration, spec: AgentSpec): ServerDefinition {
  const { id, name = id, namespace, description, version, health_check_url } = sent
  const address = endpointAddress(spec.endpoint)
  return {
    ...plain(address.type),
    ...address,
    name: id,
    namespace,
    title: name.slice(0, 253),
    ...(description !== undefined && { description }),
    ...(version !== undefined && { version }),
    labels: sent.labels,
    annotations: withOriginals(sent, spec),
    tags: sent.tags,
    capabilities: sent.capabilities,
    dependencies: sent.dependencies,
    // The registry never calls an agent unless it asked to be probed.
    health_check: sent.health_check ?? (health_check_url ? 'http' : 'none'),
    ...(health_check_url !== undefined && { health_check_url }),
    metadata: { agent_type: spec.agent_type },
  }
}

/** What a definition holds of which nothing is said; made when it is first needed. */
const defaults: { -readonly [Type in 'http' | 'stdio']?: ServerDefinition } = {}

function plain(type: 'http' | 'stdio'): ServerDefinition {
  return (defaults[type] ??= ServerDefinition.parse({ name: 'agent', type, url: `${type}://agent` }))
}

/** What was made fit is kept as it was sent. */
function withOriginals({ name, agent_type, annotations }: Registration, spec: AgentSpec): Record<string, string> {
  const renamed = name !== undefined && name !== spec.name
  const retyped = agent_type !== undefined && agent_type !== spec.agent_type
  if (!renamed && !retyped) return annotations
  return {
    ...annotations,
    ...(renamed && { original_name: name }),
    ...(retyped && { original_agent_type: agent_type }),
  }
}

function secure({ security_context }: Registration, { capabilities }: ServerDefinition): void {
  if (security_context !== 'high_security') return
  const missing = demanded.filter((name) => !capabilities.some((capability) => capability.name === name))
  if (missing.length === 0) return
  const text = `Validation failed: security_context 'high_security' demands the capabilities ${demanded.join(', ')}; missing: ${missing.join(', ')}`
  throw new RegistrationProblem('security_context', text)
}

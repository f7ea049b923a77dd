import type * as z from 'zod'
import { fieldOf } from '../../model/data/excerpt.ts'
import { isJsonObject } from '../../model/data/json-object.ts'
import { zodMessage } from '../../model/schema/zod-messages.ts'
import type { ServerDefinition } from '../../model/server.ts'
import type { Agent, AgentRequest, HeartbeatPayload, LeaseThresholds } from '../agent.ts'
import { RegistrationProblem } from '../errors.ts'
import { definitionOf, specOf } from './defaults.ts'
import { endpointOf } from './http-endpoint.ts'
import { hasTools, parseMeshFields } from './mesh-fields.ts'
import { normalizeRegistration, withoutNulls } from './normalize.ts'
import { RegistrationFields } from './schema.ts'
import { offeredCapabilities, neededCapabilities } from './tools.ts'
import { unchangedFields } from './unchanged-fields.ts'

/** Parses a registration; throws a `RegistrationProblem` that names the field. */
export function parseAgentRequest(
  registration: unknown,
  {
    defaults,
    countsAsHeartbeat,
    payload,
    current,
  }: {
    defaults: LeaseThresholds
    countsAsHeartbeat: boolean
    payload?: HeartbeatPayload | undefined
    /** The registered agent of that id; fields equal to its own are not validated again. */
    current?: Pick<Agent, 'definition' | 'spec'> | undefined
  },
): AgentRequest {
  if (!isJsonObject(registration)) throw new RegistrationProblem('registration', 'a registration must be a JSON object')
  const { id } = registration
  if (id === null || id === undefined || id === '')
    throw new RegistrationProblem('id', "Validation failed: 'id' field is required")
  const mesh = hasTools(registration) ? parseMeshFields(withoutNulls(registration), current) : undefined
  const normalized = normalizeRegistration(registration)
  // The tools say what an agent offers and needs.
  if (mesh) normalized['capabilities'] = normalized['dependencies'] = undefined
  const unchanged = current ? unchangedFields(normalized, current) : {}
  for (const field in unchanged) normalized[field] = undefined
  const parsed = RegistrationFields.safeParse(normalized, { error: zodMessage })
  if (!parsed.success) throw problemIn(parsed.error)
  const fields = { ...parsed.data, ...unchanged }
  if (mesh) {
    fields.capabilities = offeredCapabilities(mesh.tools)
    fields.dependencies =
      mesh.tools === current?.spec.tools ? current.definition.dependencies : neededCapabilities(mesh.tools)
    fields.endpoint = endpointOf(registration, { ...fields, known: current?.spec.endpoint })
  }
  const spec = specOf(fields, defaults, mesh)
  const definition = definitionOf(fields, spec)
  assertSecurityContext(fields, definition)
  return {
    id: fields.id,
    definition,
    spec,
    instance_id: fields.instance_id,
    takeover: fields.takeover ?? false,
    expectedVersion: fields.resource_version || undefined,
    countsAsHeartbeat,
    payload,
  }
}

function problemIn(error: z.ZodError): RegistrationProblem {
  const [issue] = error.issues
  const field = fieldOf(issue?.path ?? []) || 'registration'
  return new RegistrationProblem(field, `Validation failed: '${field}' ${issue?.message ?? 'is not valid'}`)
}

/** Capabilities that the security context `high_security` requires. */
const highSecurityCapabilities = ['authentication', 'authorization', 'audit']

function assertSecurityContext({ security_context }: RegistrationFields, { capabilities }: ServerDefinition): void {
  if (security_context !== 'high_security') return
  const missing = highSecurityCapabilities.filter(
    (name) => !capabilities.some((capability) => capability.name === name),
  )
  if (missing.length === 0) return
  const required = highSecurityCapabilities.join(', ')
  throw new RegistrationProblem(
    'security_context',
    `Validation failed: security_context 'high_security' requires the capabilities ${required}; missing: ${missing.join(', ')}`,
  )
}

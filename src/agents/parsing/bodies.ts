import { RegistrationProblem } from '../errors.ts'
import { maxNesting, type Fields, isDeeperThan, isMap, withoutNulls } from './normalize.ts'
import { type HeartbeatPayload } from './registration.ts'

/** What was sent, as a registration and what moves with every heartbeat. */
export type ParsedRegistration = { readonly registration: Record<string, unknown>; readonly payload: HeartbeatPayload }

/** A longer timestamp is none. */
const longestTimestamp = 64

/** Heartbeats of an agent may carry so much, as JSON; what is more is not kept. */
const mostMetadata = 16_384

/** The form of `register_with_metadata`: `{agent_id, metadata, timestamp}`. */
export function parseMetadataRegistration(value: unknown): ParsedRegistration {
  const { agent_id, metadata, timestamp } = fieldsIn(shallow(value), 'body')
  if (agent_id === undefined || agent_id === null || agent_id === '')
    throw new RegistrationProblem('agent_id', "Validation failed: 'agent_id' field is required")
  const about = fieldsIn(metadata ?? {}, 'metadata')
  const { metadata: config, annotations, ...rest } = about
  const given = config === undefined || config === null ? undefined : fieldsIn(config, 'metadata.metadata')
  return {
    registration: {
      agent_type: 'mesh-agent',
      ...withoutNulls(rest),
      id: agent_id,
      config: given ?? {},
      annotations: {
        ...fieldsIn(annotations ?? {}, 'metadata.annotations'),
        registered_via: 'register_with_metadata',
        original_name: asText(about['name'] ?? agent_id),
        original_agent_type: asText(about['agent_type'] ?? 'mesh_agent'),
        original_endpoint: asText(about['endpoint'] ?? `stdio://${asText(agent_id)}`),
      },
    },
    payload: sentIn({ timestamp, ...(given && { metadata: given }) }),
  }
}

/** A bare AgentRegistration, or the form above where that was sent. */
export function parseRegistrationBody(value: unknown): ParsedRegistration {
  const fields = withoutNulls(fieldsIn(shallow(value), 'registration'))
  if (fields['id'] === undefined && typeof fields['metadata'] === 'object') return parseMetadataRegistration(value)
  const { agent_id, ...rest } = fields
  return { registration: { ...rest, id: rest['id'] ?? agent_id }, payload: sentIn({ timestamp: fields['timestamp'] }) }
}

/** A heartbeat, and the whole registration where it carries one. */
export type ParsedHeartbeat = {
  readonly agent_id: string
  readonly payload: HeartbeatPayload
  readonly registration?: Record<string, unknown>
}

/** Reads a heartbeat: `{agent_id, status?, metadata?}`, or a whole registration. */
export function parseHeartbeat(value: unknown): ParsedHeartbeat {
  const fields = withoutNulls(fieldsIn(shallow(value), 'body'))
  const { status, metadata, timestamp, capabilities, agent_type } = fields
  const agent_id = fields['agent_id'] ?? fields['id']
  if (typeof agent_id !== 'string' || agent_id === '')
    throw new RegistrationProblem('agent_id', "Validation failed: 'agent_id' field is required")
  if (status !== undefined && typeof status !== 'string')
    throw new RegistrationProblem('status', "Validation failed: 'status' must be text")
  const about = metadata === undefined ? undefined : fieldsIn(metadata, 'metadata')
  const payload = sentIn({ status, timestamp, ...(about && { metadata: about }) })
  if (capabilities !== undefined || agent_type !== undefined) {
    return { agent_id, payload, registration: { ...fields, id: agent_id, metadata: undefined } }
  }
  return { agent_id, payload }
}

/** Of what agents call themselves, only "not well" is kept; the rest is what the heartbeat itself says. */
function sentIn({
  status,
  metadata,
  timestamp,
}: {
  status?: unknown
  metadata?: Fields
  timestamp?: unknown
}): HeartbeatPayload {
  const said = typeof status === 'string' ? status.toLowerCase() : ''
  const stamp = typeof timestamp === 'number' ? String(timestamp) : timestamp
  const small = metadata !== undefined && JSON.stringify(metadata).length <= mostMetadata
  return {
    ...((said === 'degraded' || said === 'unhealthy') && { status: 'degraded' as const }),
    ...(typeof stamp === 'string' && stamp.length <= longestTimestamp && { timestamp: stamp }),
    ...(small && { metadata }),
  }
}

/** What was sent, if it is not nested too deep to be worked on. */
function shallow(value: unknown): unknown {
  if (!isDeeperThan(value, maxNesting)) return value
  throw new RegistrationProblem('body', `Validation failed: it is nested deeper than ${maxNesting} levels`)
}

/** A JSON object; throws a `RegistrationProblem` of `field` where it is none. */
export function fieldsIn(value: unknown, field: string): Fields {
  if (isMap(value)) return value
  throw new RegistrationProblem(field, `Validation failed: '${field}' must be a JSON object`)
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 4096) : JSON.stringify(value)
}

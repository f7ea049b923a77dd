import { isDeeperThan, isJsonObject, type JsonObject, maxNestingLevels } from '../../model/data/json-object.ts'
import type { HeartbeatPayload } from '../agent.ts'
import { RegistrationProblem } from '../errors.ts'
import { hasTools } from './mesh-fields.ts'
import { withoutNulls } from './normalize.ts'

/** A registration, and the part of its body that changes with every heartbeat. */
export type ParsedRegistration = { readonly registration: Record<string, unknown>; readonly payload: HeartbeatPayload }

/** A heartbeat; `registration` where the body is a whole registration. */
export type ParsedHeartbeat = {
  readonly agent_id: string
  readonly payload: HeartbeatPayload
  readonly registration?: Record<string, unknown>
}

/** Maximum length of a timestamp, in characters; a longer one is ignored. */
const maxTimestampLength = 64

/** Maximum size of a heartbeat's metadata as JSON, in characters; larger metadata is ignored. */
const maxMetadataLength = 16_384

/** Parses the body of `register_with_metadata`: `{agent_id, metadata, timestamp}`. */
export function parseMetadataRegistration(body: unknown): ParsedRegistration {
  const { agent_id, metadata, timestamp } = requireObject(checkNesting(body), 'body')
  if (agent_id === undefined || agent_id === null || agent_id === '')
    throw new RegistrationProblem('agent_id', "Validation failed: 'agent_id' field is required")
  const fields = requireObject(metadata ?? {}, 'metadata')
  const { metadata: config, annotations, ...rest } = fields
  const payload = config === undefined || config === null ? undefined : requireObject(config, 'metadata.metadata')
  return {
    registration: {
      agent_type: 'mesh-agent',
      ...withoutNulls(rest),
      id: agent_id,
      config: payload ?? {},
      annotations: {
        ...requireObject(annotations ?? {}, 'metadata.annotations'),
        registered_via: 'register_with_metadata',
        original_name: asText(fields['name'] ?? agent_id),
        original_agent_type: asText(fields['agent_type'] ?? 'mesh_agent'),
        original_endpoint: asText(fields['endpoint'] ?? `stdio://${asText(agent_id)}`),
      },
    },
    payload: payloadOf({ timestamp, ...(payload && { metadata: payload }) }),
  }
}

/** Parses a bare AgentRegistration, or the body of `register_with_metadata`. */
export function parseRegistrationBody(body: unknown): ParsedRegistration {
  const fields = withoutNulls(requireObject(checkNesting(body), 'registration'))
  if (fields['id'] === undefined && typeof fields['metadata'] === 'object' && !hasTools(fields))
    return parseMetadataRegistration(body)
  const { agent_id, ...rest } = fields
  return {
    registration: { ...rest, id: rest['id'] ?? agent_id },
    payload: payloadOf({ timestamp: rest['timestamp'], ...(hasTools(fields) && { status: rest['status'] }) }),
  }
}

/** Parses a heartbeat: `{agent_id, status?, metadata?}`, or a whole registration. */
export function parseHeartbeat(body: unknown): ParsedHeartbeat {
  const fields = withoutNulls(requireObject(checkNesting(body), 'body'))
  const { status, metadata, timestamp, capabilities, agent_type } = fields
  const agent_id = fields['agent_id'] ?? fields['id']
  if (typeof agent_id !== 'string' || agent_id === '')
    throw new RegistrationProblem('agent_id', "Validation failed: 'agent_id' field is required")
  if (status !== undefined && typeof status !== 'string')
    throw new RegistrationProblem('status', "Validation failed: 'status' must be text")
  const payload = payloadOf({
    status,
    timestamp,
    ...(metadata !== undefined && { metadata: requireObject(metadata, 'metadata') }),
  })
  if (capabilities !== undefined || agent_type !== undefined || hasTools(fields)) {
    return { agent_id, payload, registration: { ...fields, id: agent_id, metadata: undefined } }
  }
  return { agent_id, payload }
}

/** Keeps what an agent reports of itself; every word but those three means healthy, as the heartbeat itself does. */
function payloadOf({
  status,
  metadata,
  timestamp,
}: {
  status?: unknown
  metadata?: JsonObject
  timestamp?: unknown
}): HeartbeatPayload {
  const lowerStatus = typeof status === 'string' ? status.toLowerCase() : ''
  const time = typeof timestamp === 'number' ? String(timestamp) : timestamp
  const fits = metadata !== undefined && JSON.stringify(metadata).length <= maxMetadataLength
  return {
    ...(isReport(lowerStatus) && { status: lowerStatus }),
    ...(typeof time === 'string' && time.length <= maxTimestampLength && { timestamp: time }),
    ...(fits && { metadata }),
  }
}

function isReport(status: string): status is 'degraded' | 'unhealthy' | 'offline' {
  return status === 'degraded' || status === 'unhealthy' || status === 'offline'
}

/** Tools are left out here: their schemas may be nested deeper, and their problems name the place. */
function checkNesting(body: unknown): unknown {
  const checked = isJsonObject(body) && body['tools'] !== undefined ? { ...body, tools: undefined } : body
  if (!isDeeperThan(checked, maxNestingLevels)) return body
  throw new RegistrationProblem('body', `Validation failed: the body is nested deeper than ${maxNestingLevels} levels`)
}

/** Returns a JSON object; throws a `RegistrationProblem` of `field` for any other value. */
export function requireObject(value: unknown, field: string): JsonObject {
  if (isJsonObject(value)) return value
  throw new RegistrationProblem(field, `Validation failed: '${field}' must be a JSON object`)
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 4096) : JSON.stringify(value)
}

import { isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import type { A2aSurface, Agent, AgentSpec } from '../agent.ts'
import { booleanField, listField, namingFields, rejectField, textField } from './tool-fields.ts'
import { parseToolList } from './tool-list.ts'

/** The fields of a registration with `tools`, beside those of every registration. */
export type MeshFields = Pick<AgentSpec, 'schemas' | 'runtime' | 'a2a_producer' | 'a2a_consumer' | 'surfaces'> & {
  readonly tools: NonNullable<AgentSpec['tools']>
}

/** Maximum number of surfaces, and the maximum size of one as JSON. */
const maxSurfaces = 64
const maxSurfaceLength = 16_384

/** Whether a body registers as published runtimes do. An empty list beside capabilities belongs to an older generation. */
export function hasTools({ tools, capabilities }: JsonObject): boolean {
  if (tools === undefined || tools === null) return false
  return !(Array.isArray(tools) && tools.length === 0 && Array.isArray(capabilities) && capabilities.length > 0)
}

/** Parses what only published runtimes send; surfaces that are not sent stay as they are. */
export function parseMeshFields(body: JsonObject, current: Pick<Agent, 'spec'> | undefined): MeshFields {
  return namingFields(() => {
    const runtime = textField(body, 'runtime', 64)
    if (/\p{Cc}/u.test(runtime)) rejectField('runtime', 'has control characters')
    const a2a_producer = booleanField(body, 'a2a_producer')
    const a2a_consumer = booleanField(body, 'a2a_consumer')
    const sent = listField(body['surfaces'], { key: 'surfaces', max: maxSurfaces }, parseSurface)
    const surfaces = body['surfaces'] === undefined ? (current?.spec.surfaces ?? []) : sent
    return {
      ...parseToolList(body['tools'], current),
      ...(runtime !== '' && { runtime }),
      ...(a2a_producer !== undefined && { a2a_producer }),
      ...(a2a_consumer !== undefined && { a2a_consumer }),
      ...(surfaces.length > 0 && { surfaces }),
    }
  })
}

function parseSurface(item: unknown): A2aSurface {
  if (!isJsonObject(item)) rejectField('', 'must be a JSON object: a surface with its fields')
  const path = textField(item, 'path', 4096)
  const skill_id = textField(item, 'skill_id', 253)
  if (path === '') rejectField('path', 'is needed: where the agent serves the surface')
  if (skill_id === '') rejectField('skill_id', 'is needed: the skill that the surface serves')
  const { length } = JSON.stringify(item)
  if (length > maxSurfaceLength)
    rejectField('', `has ${length} characters as JSON; at most ${maxSurfaceLength} are accepted`)
  return { ...item, path, skill_id }
}

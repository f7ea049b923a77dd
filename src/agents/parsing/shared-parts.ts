import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { mapValues } from '../../model/data/map-values.ts'
import type { AgentSpec } from '../agent.ts'
import type { MeshTool } from '../mesh-tool.ts'

/** Parts of agents that the next equal one can share. */
const maxParts = 10_000

/** A shorter text is its own key: a digest of it would cost more time than it saves memory. */
const maxKeyLength = 200

/** By JSON, or the digest of a long one: the first of each. */
const parts = new LRUCache<string, object>({ max: maxParts })

/**
 * The first object that was equal to `part`, in JSON and in the order of its keys. Agents of one runtime have the same
 * schemas, settings and dependencies by the thousand; shared ones take no memory.
 */
function sharedPart<T extends object>(part: T): T {
  const text = JSON.stringify(part)
  const key = text.length < maxKeyLength ? text : hash('sha1', text, 'base64')
  const first = parts.get(key) as T | undefined
  if (first) return first
  parts.set(key, part)
  return part
}

/** The tools and schemas of an agent, in which every part that another agent has too is shared. */
export function withSharedParts<T extends Pick<AgentSpec, 'tools' | 'schemas'>>(fields: T): T {
  const { tools, schemas } = fields
  return {
    ...fields,
    ...(tools && { tools: tools.map(withSharedFields) }),
    ...(schemas && { schemas: mapValues(schemas, sharedPart) }),
  }
}

function withSharedFields(tool: MeshTool): MeshTool {
  const { tags, input_schema, kwargs, dependencies } = tool
  return sharedPart({
    ...tool,
    tags: sharedPart(tags),
    ...(input_schema && { input_schema: sharedPart(input_schema) }),
    ...(kwargs && { kwargs: sharedPart(kwargs) }),
    dependencies: sharedPart(
      dependencies.map((dependency) => sharedPart({ ...dependency, tags: sharedPart(dependency.tags) })),
    ),
  })
}

import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { mapValues } from '../../model/data/map-values.ts'
import type { ServerDefinition } from '../../model/server.ts'
import type { AgentSpec } from '../agent.ts'
import type { MeshDependency, MeshTool } from '../mesh-tool.ts'

/** Parts of agents that the next equal one can share; those of the programs that run in many replicas stay. */
const maxParts = 2000

/** Memory that they may take, in characters of their JSON: agents that are gone must not fill it. */
const maxPartsLength = 4 * 1024 * 1024

/** A shorter text is its own key: a digest of it would cost more time than it saves memory. */
const maxKeyLength = 200

/** By JSON, or the digest of a long one: the first of each. */
const parts = new LRUCache<string, object>({
  max: maxParts,
  maxSize: maxPartsLength,
  maxEntrySize: maxPartsLength / 16,
})

/**
 * The first object that was equal to `part`, in JSON and in the order of its keys. Agents of one runtime have the same
 * schemas, settings and dependencies by the thousand; shared ones take no memory.
 */
export function sharedPart<T extends object>(part: T): T {
  const text = JSON.stringify(part)
  return (findPart(text) as T | undefined) ?? keepPart(text, part)
}

function findPart(text: string): object | undefined {
  return parts.get(keyOf(text))
}

function keepPart<T extends object>(text: string, part: T): T {
  parts.set(keyOf(text), part, { size: text.length })
  return part
}

function keyOf(text: string): string {
  return text.length < maxKeyLength ? text : hash('sha1', text, 'base64')
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

/** The definition of an agent, in which what is mostly empty, or equal for many agents, is shared. */
export function withSharedDefinitionParts(definition: ServerDefinition): ServerDefinition {
  const { labels, annotations, tags, metadata } = definition
  definition.labels = sharedPart(labels)
  definition.annotations = sharedPart(annotations)
  definition.tags = sharedPart(tags)
  definition.metadata = sharedPart(metadata)
  return definition
}

/**
 * A tool that is new here is built again from its JSON: V8 gives such an object the room of its fields, and one that was put
 * together half as much again.
 */
function withSharedFields(tool: MeshTool): MeshTool {
  const text = JSON.stringify(tool)
  const known = findPart(text)
  if (known) return known as MeshTool
  const exact = JSON.parse(text) as { -readonly [Field in keyof MeshTool]: MeshTool[Field] }
  const { tags, input_schema, kwargs, dependencies } = exact
  exact.tags = sharedPart(tags)
  if (input_schema) exact.input_schema = sharedPart(input_schema)
  if (kwargs) exact.kwargs = sharedPart(kwargs)
  exact.dependencies = sharedPart(dependencies.map(withSharedTags))
  return keepPart(text, exact)
}

function withSharedTags(dependency: MeshDependency): MeshDependency {
  return sharedPart({ ...dependency, tags: sharedPart(dependency.tags) })
}

import { isTool, toolNameOf } from '../../model/query/capability-kinds.ts'
import type { Server } from '../../model/server.ts'

/** Keys of what publishers add to a `server.json`, and of ToolHive's part of it. */
const publisherProvided = 'io.modelcontextprotocol.registry/publisher-provided'
const toolHive = 'io.github.stacklok'

/** Maximum tools that an entry names. */
const maxTools = 500

/** Tools and tags of other spellings are invalid for ToolHive, and would reject the whole list. */
const toolPattern = /^[\w-]+$/
const tagPattern = /^[a-z0-9][a-z0-9_-]*[a-z0-9]$/

/**
 * What ToolHive shows of a server, keyed by its URL or package; empty for a server with neither.
 * https://github.com/stacklok/toolhive-core/blob/main/registry/types/data/publisher-provided.schema.json
 */
export function publisherMeta(
  { capabilities, tags }: Pick<Server, 'capabilities' | 'tags'>,
  places: readonly (string | undefined)[],
): Readonly<Record<string, object>> {
  const place = places.find((one) => one !== undefined)
  if (place === undefined) return {}
  const tools = capabilities
    .filter(isTool)
    .map(toolNameOf)
    .filter((name) => toolPattern.test(name))
  const spelledTags = tags.map((tag) => tag.toLowerCase()).filter((tag) => tagPattern.test(tag))
  const extensions = {
    status: 'active',
    tools: [...new Set(tools)].slice(0, maxTools),
    tags: [...new Set(spelledTags)],
  }
  return { [publisherProvided]: { [toolHive]: { [place]: extensions } } }
}

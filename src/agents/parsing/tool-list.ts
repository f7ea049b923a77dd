import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { jsonEqual } from '../../model/data/json-equal.ts'
import { isDeeperThan } from '../../model/data/json-object.ts'
import type { Agent, AgentSpec } from '../agent.ts'
import { withSharedParts } from './shared-parts.ts'
import { type ParsedTools, parseTools } from './tools.ts'

/** Tool lists of different agents that are kept for the next agent which sends the same. */
const maxShared = 1000

/** Memory that they may take, in characters of their JSON: lists of agents that are gone must not fill it. */
const maxSharedLength = 8 * 1024 * 1024

/** Deeper lists are refused by the parser, which names the place. */
const maxLevels = 80

type Tools = NonNullable<AgentSpec['tools']>

/** By tool list in use: the digest of the JSON that it was made of. */
const digests = new WeakMap<Tools, string>()

/** By digest of the JSON. Replicas of one program send the same. */
const shared = new LRUCache<string, ParsedTools>({
  max: maxShared,
  maxSize: maxSharedLength,
  maxEntrySize: maxSharedLength / 16,
})

/**
 * Parses the `tools` of a registration, unless the agent or another one sent the same before: most registrations repeat
 * the one before, and parsing is most of their cost.
 */
export function parseToolList(value: unknown, current: Pick<Agent, 'spec'> | undefined): ParsedTools {
  const text = isDeeperThan(value, maxLevels) ? undefined : JSON.stringify(value)
  const digest = text && hash('sha1', text, 'base64')
  const { tools, schemas } = current?.spec ?? {}
  if (tools && digest !== undefined && digests.get(tools) === digest) return schemas ? { tools, schemas } : { tools }
  const known = digest === undefined ? undefined : shared.get(digest)
  const parsed = known ?? withSharedParts(parseTools(value))
  if (digest === undefined) return parsed
  // Read from the store, or written otherwise: the agent keeps its own.
  if (tools && jsonEqual(parsed.tools, tools) && jsonEqual(parsed.schemas, schemas)) {
    digests.set(tools, digest)
    return schemas ? { tools, schemas } : { tools }
  }
  digests.set(parsed.tools, digest)
  shared.set(digest, parsed, { size: text?.length ?? 1 })
  return parsed
}

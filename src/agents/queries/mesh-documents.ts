import type { JsonObject } from '../../model/data/json-object.ts'
import type { A2aSurface, Agent } from '../agent.ts'
import { createPerRevisionValue } from './per-revision.ts'

/** A canonical schema of a tool, as its agent registered it. */
export type ToolSchema = {
  readonly hash: string
  readonly canonical: JsonObject
  /** Runtime of the first agent that registered it; `unknown` where that names none. */
  readonly runtime_origin: string
  readonly created_at: string
}

/** A surface with the agent that serves it. */
export type ServedSurface = { readonly agent_id: string; readonly surface: A2aSurface }

/** What agents register beside their capabilities: schemas by hash, and the surfaces of A2A agents. */
export function createMeshDocuments({ agents, token }: { agents: () => readonly Agent[]; token: () => string }) {
  const schemas = createPerRevisionValue(token, () => schemasOf(agents()))
  const surfaces = createPerRevisionValue(token, () => agents().toSorted(byId).flatMap(surfacesOf))
  return {
    /** The input and output schemas of all tools by hash, the newest first. */
    schemas,
    /** The surfaces of every A2A agent, whatever its status. */
    surfaces,
  }
}

function schemasOf(agents: readonly Agent[]): ReadonlyMap<string, ToolSchema> {
  const byHash = new Map<string, ToolSchema>()
  const oldestFirst = agents.toSorted((a, b) => compare(a.stored.created_at, b.stored.created_at) || byId(a, b))
  for (const { spec, stored } of oldestFirst) {
    for (const hash of toolHashesOf(spec)) {
      const canonical = spec.schemas?.[hash]
      if (!canonical || byHash.has(hash)) continue
      byHash.set(hash, {
        hash,
        canonical,
        runtime_origin: spec.runtime ?? 'unknown',
        created_at: stored.created_at,
      })
    }
  }
  return new Map([...byHash].toReversed())
}

/** The schemas that consumers expect of others are no schemas of tools. */
function toolHashesOf({ tools = [] }: Agent['spec']): readonly string[] {
  return tools
    .flatMap(({ input_schema_hash, output_schema_hash }) => [input_schema_hash, output_schema_hash])
    .filter((hash) => hash !== undefined)
}

function surfacesOf({ id, spec: { agent_type, surfaces = [] } }: Agent): ServedSurface[] {
  return agent_type === 'a2a' ? surfaces.map((surface) => ({ agent_id: id, surface })) : []
}

function byId(a: Agent, b: Agent): number {
  return compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** The public address of a surface and of its agent card. */
export function publicUrlsOf(
  { path }: A2aSurface,
  publicUrl: string | undefined,
): { public_url?: string; agent_card_url?: string } {
  if (publicUrl === undefined) return {}
  const url = `${publicUrl}${path.startsWith('/') ? '' : '/'}${path}`
  return { public_url: url, agent_card_url: `${url}/.well-known/agent.json` }
}

import type { Status } from '../src/model/health.ts'
import { serverId } from '../src/model/names.ts'
import { ServerDefinition } from '../src/model/server.ts'
import type { Candidate, Layer } from '../src/registry/candidate.ts'
import { createRegistry } from '../src/registry/registry.ts'
import type { DigestKey } from '../src/registry/state-digest.ts'

/** The fields of a server that matter to a test; the rest has defaults. */
export type ServerFields = { readonly name: string; readonly status?: Status } & Readonly<Record<string, unknown>>

type TestRegistryOptions = { epoch?: string; now?: () => number; digestKey?: DigestKey }

/** A real registry with one source that the test controls: each `change` is one revision. */
export function createTestRegistry({ epoch = 'e', now = Date.now, digestKey }: TestRegistryOptions = {}) {
  const registry = createRegistry({
    epoch,
    now,
    onError: (error) => {
      throw error
    },
  })
  if (digestKey) registry.setDigestKey(digestKey)
  const layer: Layer = { name: 'test', reach: 'any', discovery_method: 'config_file', order: 0 }
  const candidates = new Map<string, Candidate>()

  /** Defines servers and drops others by name, in one revision. */
  function change(put: readonly ServerFields[], drop: readonly string[] = []): void {
    const added = put.map(({ status, ...fields }): Candidate => {
      const definition = ServerDefinition.parse({ url: 'http://weather.example/mcp', health_check: 'none', ...fields })
      const id = serverId(definition.namespace, definition.name)
      const reported = { status: status ?? 'healthy' }
      return { id, definition, reported, layer, origin: 'test', rank: 0, position: 0, stale: false }
    })
    const ids = [...added.map(({ id }) => id), ...drop.map((name) => serverId('default', name))]
    const removed = ids.flatMap((id) => candidates.get(id) ?? [])
    for (const id of ids) candidates.delete(id)
    for (const candidate of added) candidates.set(candidate.id, candidate)
    registry.commit({ removed, added })
  }

  return {
    registry,
    change,
    put: (...servers: ServerFields[]) => change(servers),
    drop: (...names: string[]) => change([], names),
  }
}
export type TestRegistry = ReturnType<typeof createTestRegistry>

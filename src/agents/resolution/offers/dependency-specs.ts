import { jsonEqual } from '../../../model/data/json-equal.ts'
import type { JsonObject } from '../../../model/data/json-object.ts'
import type { AgentSpec } from '../../agent.ts'
import type { MeshDependency } from '../../mesh-tool.ts'
import type { Ranking } from '../matching/ranking.ts'
import type { SpreadGroup } from '../spread.ts'
import type { CapabilityEntry, CapabilityIndex } from './capability-index.ts'

export type DependencyKind = 'dependency' | 'llm_provider'

/** What a dependency asks for; equal dependencies of many functions share one. */
export type DependencySpec = {
  readonly key: string
  /** A language model is a dependency too, by rules of its own. */
  readonly kind: DependencyKind
  readonly dependency: MeshDependency
  /** The canonical schema that is expected of the provider. */
  readonly expectedSchema: JsonObject | undefined
  readonly entry: CapabilityEntry
  /** Functions that use it. */
  uses: number
  /** The ranking of its candidates, and the stamp of the capability for which it holds. */
  ranked: { readonly ranking: Ranking; readonly stamp: number } | undefined
  /** Present while there are equal providers to choose from. */
  group: SpreadGroup | undefined
}

export type DependencySpecs = ReturnType<typeof createDependencySpecs>

/** The distinct dependencies of all functions. */
export function createDependencySpecs({ index }: { index: Pick<CapabilityIndex, 'pin' | 'unpin'> }) {
  const specs = new Map<string, DependencySpec>()

  /** The spec of a dependency; `release` must follow. `schemas`: of the agent that declares it. */
  function acquire(
    dependency: MeshDependency,
    { schemas, kind = 'dependency' }: { schemas: AgentSpec['schemas']; kind?: DependencyKind },
  ): DependencySpec {
    const { expected_schema_hash: hash, match_mode, expects_hash_only } = dependency
    const isBySchema = hash !== undefined && match_mode !== undefined && !expects_hash_only
    const expectedSchema = isBySchema ? schemas?.[hash] : undefined
    const plainKey = `${kind} ${keyOf(dependency)}`
    const plain = specs.get(plainKey)
    // Agents compute the hashes themselves, so one hash may come with two schemas.
    const key =
      !plain || jsonEqual(plain.expectedSchema, expectedSchema)
        ? plainKey
        : `${plainKey} ${JSON.stringify(expectedSchema)}`
    let spec = specs.get(key)
    if (!spec) {
      const entry = index.pin(dependency.capability)
      spec = { key, kind, dependency, expectedSchema, entry, uses: 0, ranked: undefined, group: undefined }
      specs.set(key, spec)
    }
    spec.uses += 1
    return spec
  }

  function release(spec: DependencySpec): void {
    spec.uses -= 1
    if (spec.uses > 0) return
    specs.delete(spec.key)
    index.unpin(spec.entry)
  }

  return { acquire, release, all: () => specs.values(), size: () => specs.size }
}

/** Equal for dependencies that choose alike. Without a mode, no hash counts. */
function keyOf({ capability, version, tags, match_mode: mode, ...expected }: MeshDependency): string {
  const { expected_schema_hash: hash, expects_hash_only: hashOnly = false } = expected
  return JSON.stringify([capability, version, tags, ...(mode ? [mode, hash, hashOnly] : [])])
}

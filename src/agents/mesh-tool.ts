import type { JsonObject } from '../model/data/json-object.ts'

/**
 * A function of an agent, as published runtimes register it in `tools[]` of `POST /heartbeat`.
 *
 * Its wire form: `api/mcp-mesh-registry.openapi.yaml` of https://github.com/dhyansraj/mcp-mesh.
 */
export type MeshTool = {
  readonly function_name: string
  /** Empty for a function that offers no capability and only has dependencies. */
  readonly capability: string
  /** `1.0.0` where the agent names none. */
  readonly version: string
  readonly tags: readonly string[]
  readonly description?: string
  readonly input_schema?: JsonObject
  /** Settings of the provider, handed to its consumers unchanged. */
  readonly kwargs?: JsonObject
  /** In the order of declaration: the answer to a heartbeat has one place for each. */
  readonly dependencies: readonly MeshDependency[]
  readonly input_schema_hash?: string
  readonly output_schema_hash?: string
  /** Which tools of other agents a function with a language model receives. */
  readonly llm_filter?: LlmFilter
  /** Which language model it uses. */
  readonly llm_provider?: LlmProviderRequest
}

/** A capability that a function needs of another agent. */
export type MeshDependency = {
  readonly capability: string
  /** Plain: required; `+tag`: preferred; `-tag`: excluded; a list: any of them. */
  readonly tags: readonly (string | readonly string[])[]
  /** A semantic version constraint; empty for any version. */
  readonly version: string
  /** Whether the function is unavailable without a provider. */
  readonly required: boolean
  /** How the provider's output schema is compared with the expected one; absent: not at all. */
  readonly match_mode?: 'subset' | 'strict'
  readonly expected_schema_hash?: string
  /** The hash came without its schema. Then only hashes are compared, also where another function sent a schema of that hash. */
  readonly expects_hash_only?: true
}

export type LlmFilter = {
  readonly filter: readonly (string | LlmFilterItem)[]
  /** `all`, `best_match` or `*`; any other word counts as `all`. */
  readonly filter_mode: string
}

export type LlmFilterItem = {
  readonly capability?: string
  readonly tags?: readonly string[]
  readonly version?: string
}

export type LlmProviderRequest = {
  readonly capability: string
  readonly tags: readonly string[]
  readonly version: string
  /** Shown only: providers of any namespace are chosen. */
  readonly namespace?: string
}

/** Functions that runtimes add themselves begin so. They are hidden in lists of capabilities; their dependencies are resolved. */
export const internalToolPrefix = '__mesh_'

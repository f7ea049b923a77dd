import type { JsonObject } from '../../model/data/json-object.ts'

/** What the resolution of dependencies tells other rooms. `meshOperations.resolutions` implements it. */
export type ResolutionPort = {
  /** The dependencies and language model requests of an agent, with their providers at present. */
  readonly resolutionsOf: (agentId: string) => AgentResolutions
  /**
   * Why a function of an agent is unavailable to others: the agent is not healthy, or a required dependency has no
   * provider. Undefined where the function is available.
   */
  readonly unavailableReason: (agentId: string, functionName: string) => string | undefined
  /** Changes whenever the other members may answer differently at the same revision of the registry. Lists are cached by it. */
  readonly version: () => number
}

/** The members of an agent in `GET /agents` that its dependencies make. */
export type AgentResolutions = {
  readonly total_dependencies: number
  readonly dependencies_resolved: number
  /** One for each dependency, in the order of declaration. */
  readonly dependency_resolutions: readonly DependencyResolution[]
  readonly llm_tool_resolutions: readonly LlmToolResolution[]
  readonly llm_provider_resolutions: readonly LlmProviderResolution[]
}

/** The provider at present; absent members: none. */
type ResolvedProvider = {
  readonly status: 'available' | 'unresolved'
  readonly provider_agent_id?: string
  /** The provider's function. */
  readonly mcp_tool?: string
  /** Redacted. */
  readonly endpoint?: string
}

export type DependencyResolution = ResolvedProvider & {
  readonly function_name: string
  readonly capability: string
  /** Plain tags; alternatives are left out. */
  readonly tags?: readonly string[]
}

/** One for each item of a filter and each tool that it selects. */
export type LlmToolResolution = ResolvedProvider & {
  readonly function_name: string
  readonly filter_capability?: string
  readonly filter_tags?: readonly string[]
  readonly filter_mode: string
  readonly provider_capability?: string
}

export type LlmProviderResolution = ResolvedProvider & {
  readonly function_name: string
  readonly required_capability: string
  readonly required_tags?: readonly string[]
}

/** Called when a dependency has another provider than in the agent's last answer, with its first answer, and while it has none. */
export type RewiringListener = (rewiring: Rewiring) => void

export type Rewiring = {
  readonly consumer: string
  readonly consumerName: string
  readonly namespace: string
  readonly function_name: string
  /** Place of the dependency in its function, from 0. */
  readonly dep_index: number
  readonly capability: string
  /** Agent id of the provider in the last answer; undefined where it had none, or for the first answer. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly reason: RewiringReason
  /** Makes the whole trace, as of now: to be called before the listener returns. */
  readonly trace: () => ResolutionTrace
}

export type RewiringReason =
  /** The first answer for this dependency. */
  | 'first'
  /** Without a provider, as in the answer before; its candidates may be others. */
  | 'unresolved'
  /** A provider was found. */
  | 'found'
  /** The provider is gone, and no other passes. */
  | 'lost'
  /** The provider is gone, unhealthy or matches no longer. */
  | 'provider_gone'
  /** A provider of a better score or a higher version has come. */
  | 'better_provider'
  /** The provider had more consumers than its share. */
  | 'rebalanced'
  /** The same provider has another function, endpoint or kwargs. */
  | 'provider_changed'

/** How a dependency was resolved, in the form of the events `dependency_resolved` and `dependency_unresolved`. */
export type ResolutionTrace = {
  readonly consumer: string
  readonly dep_index: number
  readonly spec: {
    readonly capability: string
    /** Those that are no alternatives. */
    readonly tags?: readonly string[]
    readonly tag_alternatives?: readonly (readonly string[])[]
    readonly version_constraint?: string
    readonly schema_mode: 'none' | 'subset' | 'strict'
  }
  /** Ends with the first stage that keeps no candidate. */
  readonly stages: readonly TraceStage[]
  readonly chosen?: { readonly agent_id: string; readonly endpoint: string; readonly function_name: string }
  readonly prior_chosen?: string
  /** Candidates left out, where there are more than a trace holds. */
  readonly candidates_omitted?: number
}

export type TraceStage = {
  readonly stage: 'health' | 'self' | 'capability_match' | 'tags' | 'version' | 'schema' | 'tiebreaker'
  /** Candidates as `agent_id:function_name`. */
  readonly kept: readonly string[]
  readonly evicted?: readonly TraceEviction[]
  readonly chosen?: string
  readonly reason?: string
  /** How the consumers are spread over equal providers. */
  readonly spread?: TraceSpread
}

export type TraceEviction = {
  readonly id: string
  readonly reason: string
  readonly details?: JsonObject
}

export type TraceSpread = {
  readonly providers: number
  readonly consumers: number
  /** Consumers of the chosen provider. */
  readonly load: number
  /** Most consumers that a provider keeps. */
  readonly bound: number
  /** Whether the consumer had this provider before. */
  readonly kept: boolean
}

import type { SourceStatus } from '../../model/status.ts'
import { parametersOf } from './query.ts'
import type { Staleness } from './requests/answer-cache.ts'
import type { RosterRequests } from './requests/roster-requests.ts'

/** The filters of `GET /agents`; all that are given must match. */
export type AgentQuery = {
  readonly namespace?: string | readonly string[] | undefined
  readonly status?: string | readonly string[] | undefined
  readonly capability?: string | readonly string[] | undefined
  readonly capability_category?: string | undefined
  readonly capability_stability?: 'stable' | 'beta' | 'alpha' | 'deprecated' | undefined
  readonly capability_tags?: string | readonly string[] | undefined
  readonly label_selector?: string | undefined
  /** A range of semantic versions that one of its capabilities must be in. */
  readonly version_constraint?: string | undefined
  readonly fuzzy_match?: boolean | undefined
}

/** One function of an agent that others may call. */
export type AgentCapability = {
  readonly name: string
  readonly description: string | null
  readonly version: string
  readonly category: string | null
  readonly stability: string
  readonly tags: readonly string[]
  readonly parameters_schema: Readonly<Record<string, unknown>> | null
  readonly function_name?: string
  readonly available?: boolean
  readonly [member: string]: unknown
}

/** A registered agent, in the form of the mesh registry. */
export type Agent = {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly endpoint: string
  readonly status: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly capabilities: readonly AgentCapability[]
  readonly dependencies: readonly string[]
  readonly last_heartbeat: string | null
  readonly agent_type: string
  readonly resource_version: string
  readonly [member: string]: unknown
}

export type AgentList = {
  readonly agents: readonly Agent[]
  readonly count: number
  readonly timestamp: string
  readonly stale?: Staleness
}

/** The filters of `GET /capabilities`; all that are given must match. */
export type CapabilityQuery = {
  /** A part of the name, unless `exact`. */
  readonly name?: string | undefined
  readonly exact?: boolean | undefined
  readonly fuzzy_match?: boolean | undefined
  readonly description_contains?: string | undefined
  readonly category?: string | undefined
  readonly stability?: 'stable' | 'beta' | 'alpha' | 'deprecated' | undefined
  /** One of these, separated by commas. */
  readonly tags?: string | undefined
  readonly version_constraint?: string | undefined
  readonly include_deprecated?: boolean | undefined
  readonly agent_id?: string | undefined
  readonly agent_namespace?: string | undefined
  /** Default: `healthy`. */
  readonly agent_status?: string | undefined
}

export type CapabilityList = {
  readonly capabilities: readonly (AgentCapability & {
    readonly agent_id: string
    readonly agent_name: string
    readonly agent_namespace: string
    readonly agent_status: string
    readonly agent_endpoint: string
  })[]
  readonly count: number
  readonly timestamp: string
  readonly stale?: Staleness
}

export type SourceList = {
  readonly sources: readonly SourceStatus[]
  readonly count: number
  /** Number of definitions shadowed by a source of higher precedence. */
  readonly conflicts: number
  /** Sources that have not answered yet. */
  readonly syncing: readonly string[]
  readonly resource_version: string
  readonly stale?: Staleness
}

type Limits = { readonly signal?: AbortSignal | undefined }

/** The requests that read agents, capabilities and sources. */
export function createMeshQueries({ request }: Pick<RosterRequests, 'request'>) {
  /**
   * Lists the matching agents.
   *
   * @throws {RosterError} Status 400 for an invalid parameter, 0 where no daemon answers.
   */
  function agents(query: AgentQuery = {}, { signal }: Limits = {}): Promise<AgentList> {
    return request('/agents', { parameters: parametersOf(query), signal, isKept: true })
  }

  return {
    agents,
    /**
     * The healthy agents that match: those that a caller may use now.
     *
     * @throws {RosterError} As for `agents`.
     */
    async findAgents(query: Omit<AgentQuery, 'status'> = {}, limits: Limits = {}): Promise<readonly Agent[]> {
      return (await agents({ ...query, status: 'healthy' }, limits)).agents
    },
    /**
     * Lists the matching capabilities of healthy agents, each with the agent that provides it.
     *
     * @throws {RosterError} As for `agents`.
     */
    capabilities(query: CapabilityQuery = {}, { signal }: Limits = {}): Promise<CapabilityList> {
      return request('/capabilities', { parameters: parametersOf(query), signal, isKept: true })
    },
    /**
     * The state of each source: what it found, what was rejected and why.
     *
     * @throws {RosterError} Status 0 where no daemon answers.
     */
    sources({ signal }: Limits = {}): Promise<SourceList> {
      return request('/sources', { signal, isKept: true })
    },
  }
}

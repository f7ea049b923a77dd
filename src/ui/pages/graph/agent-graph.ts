import type { Status } from '../../../client/index.ts'
import { statusOrder } from '../../texts/status.ts'

type Need = {
  readonly capability: string
  readonly version: string
  readonly tags: readonly unknown[]
  readonly status: 'available' | 'unavailable'
  readonly provider: { readonly agent_id: string } | null
}

/** An agent with what it needs, as `/dependencies` lists it. */
export type DependentAgent = {
  readonly agent_id: string
  readonly name: string
  readonly namespace: string
  readonly status: string
  readonly functions: readonly {
    readonly function_name: string
    readonly capability: string
    readonly dependencies: readonly Need[]
    readonly llm_provider?: Need
  }[]
}

/**
 * Agents that offer and need the same: replicas. Or one server of another source, a capability that nothing provides, or all agents
 * of a namespace.
 */
export type GraphNode = {
  readonly key: string
  readonly kind: 'agents' | 'server' | 'missing' | 'namespace'
  readonly label: string
  readonly namespace: string
  /** Ids of the agents. */
  readonly ids: readonly string[]
  /** The worst of them. */
  readonly status: string
}

/** That agents of `from` need a capability of `to`. */
export type GraphEdge = {
  readonly from: string
  readonly to: string
  readonly capability: string
  /** Dependencies that it stands for. */
  readonly count: number
  readonly isUnresolved: boolean
}

export type AgentGraph = {
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly edges: readonly GraphEdge[]
  /** The node of each agent. */
  readonly nodeOf: ReadonlyMap<string, GraphNode>
  readonly unresolved: number
}

/** Who needs whom, replicas folded. */
export function graphOf(agents: readonly DependentAgent[]): AgentGraph {
  const nodes = new Map<string, GraphNode>()
  const nodeOf = new Map<string, GraphNode>()
  for (const [key, replicas] of Map.groupBy(agents, replicaKey)) {
    const node = agentsNode(key, replicas)
    nodes.set(key, node)
    for (const { agent_id } of replicas) nodeOf.set(agent_id, node)
  }
  const edges = new Map<string, GraphEdge>()
  let unresolved = 0
  for (const { agent_id, functions } of agents) {
    const from = nodeOf.get(agent_id)!
    for (const { capability, provider, status } of functions.flatMap(needsOf)) {
      const isUnresolved = provider === null || status === 'unavailable'
      if (isUnresolved) unresolved += 1
      const found = isUnresolved ? undefined : nodeOf.get(provider.agent_id)
      const to = found ?? (isUnresolved ? missingNode(capability) : serverNode(provider.agent_id))
      if (!nodes.has(to.key)) nodes.set(to.key, to)
      const key = JSON.stringify([from.key, to.key, capability])
      const count = (edges.get(key)?.count ?? 0) + 1
      edges.set(key, { from: from.key, to: to.key, capability, count, isUnresolved })
    }
  }
  return { nodes, edges: [...edges.values()], nodeOf, unresolved }
}

const needsOf = ({ dependencies, llm_provider: llm }: DependentAgent['functions'][number]) =>
  llm ? [...dependencies, llm] : dependencies

/** Equal for agents of one namespace that offer and need the same. */
function replicaKey({ agent_id, name, namespace, functions }: DependentAgent): string {
  // What an agent without functions offers is not listed here: then only its name tells that it is a replica.
  const isByName = functions.every(({ function_name }) => function_name === '')
  const offers = functions.map((one) => [
    one.function_name,
    one.capability,
    needsOf(one).map(({ capability, version, tags }) => [capability, version, tags]),
  ])
  return JSON.stringify(isByName ? [namespace, name || agent_id] : [namespace, offers])
}

const rankOf = (status: string) => statusOrder.indexOf(status as Status)

function agentsNode(key: string, replicas: readonly DependentAgent[]): GraphNode {
  const [first] = replicas
  const ids = replicas.map(({ agent_id }) => agent_id)
  const status = replicas.map((one) => one.status).toSorted((one, other) => rankOf(one) - rankOf(other))[0]!
  return { key, kind: 'agents', label: labelOf(replicas), namespace: first!.namespace, ids, status }
}

/** The name that replicas share, or the beginning of their ids: `clock` for `clock-1a` and `clock-2b`. */
function labelOf(replicas: readonly DependentAgent[]): string {
  const [{ agent_id: first, name } = { agent_id: '', name: '' }, ...others] = replicas
  if (others.length === 0) return first
  if (others.every((other) => other.name === name)) return name
  let length = first.length
  for (const { agent_id: id } of others) while (!id.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, length).replace(/(?<![-_.:/ ])[-_.:/ ]+$/, '') || first
}

function missingNode(capability: string): GraphNode {
  const key = `missing ${capability}`
  return { key, kind: 'missing', label: capability, namespace: '', ids: [], status: 'unavailable' }
}

function serverNode(id: string): GraphNode {
  const namespace = id.slice(0, Math.max(0, id.indexOf('/')))
  return { key: `server ${id}`, kind: 'server', label: id, namespace, ids: [id], status: 'healthy' }
}

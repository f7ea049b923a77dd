import { linkTo } from '../../router.ts'
import { graphTexts as texts } from '../../texts/mesh/graph.ts'
import { statusTexts } from '../../texts/status.ts'
import { providerPlace } from '../agents/agent-view.ts'
import type { AgentGraph, GraphNode } from './agent-graph.ts'

/** Nodes above which a drawing is not readable any more. */
const maxNodes = 40
const hops = 2

/** A box of the drawing. */
export type Box = {
  readonly id: string
  readonly title: string
  readonly detail: string
  readonly shape: string
  /** How it looks: a status, `missing` for what nothing provides, `lacking` for what needs such. */
  readonly look: string
  readonly href: string
  readonly isCentre: boolean
}

export type Arrow = {
  readonly from: string
  readonly to: string
  readonly capabilities: readonly string[]
  readonly isUnresolved: boolean
}

export type Drawing = {
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
  readonly title: string
  /** Why not everything is drawn. */
  readonly note: string
  /** Nodes that belong here and are not drawn. */
  readonly omitted: number
}

/** What an address asks to be drawn: around an agent, a namespace, all, or what can be read of it. */
export function drawingOf(graph: AgentGraph, parameters: URLSearchParams): Drawing {
  const agent = parameters.get('agent')
  const centre = agent === null ? undefined : graph.nodeOf.get(agent)
  if (centre) return around(graph, centre.key, { title: texts.around(centre.label), note: '' })
  const namespace = parameters.get('namespace')
  if (namespace !== null) return ofNamespace(graph, namespace)
  const connected = new Set(graph.edges.flatMap(({ from, to }) => [from, to]))
  const isByNamespace = parameters.get('view') === 'namespaces'
  if (connected.size <= maxNodes && !isByNamespace)
    return drawn(graph, [...connected], { title: texts.whole, note: '' })
  const namespaces = new Set(graph.nodeOf.values().map((node) => node.namespace))
  if (namespaces.size > 1 || isByNamespace) return byNamespace(graph, isByNamespace ? '' : texts.folded)
  const busiest = busiestOf(graph)
  return around(graph, busiest.key, { title: texts.around(busiest.label), note: texts.tooMany })
}

type Caption = Pick<Drawing, 'title' | 'note'>

/** The nodes within two hops of one, the nearest first, as many as can be read. */
function around(graph: AgentGraph, centre: string, caption: Caption): Drawing {
  const neighbours = neighboursOf(graph)
  const found = new Set([centre])
  let edge: readonly string[] = [centre]
  for (let hop = 0; hop < hops; hop += 1) {
    // All that lack one capability have nothing else to do with each other.
    const next = edge
      .filter((key) => graph.nodes.get(key)?.kind !== 'missing')
      .flatMap((key) => [...(neighbours.get(key) ?? [])])
      .filter((key) => !found.has(key))
    for (const key of next) found.add(key)
    edge = [...new Set(next)]
  }
  return drawn(graph, [...found], caption, centre)
}

/** The agents of one namespace; each other one that they need, or that needs them, is one box. */
function ofNamespace(graph: AgentGraph, namespace: string): Drawing {
  const nodes = new Map<string, GraphNode>()
  const place = (key: string): string => {
    const node = graph.nodes.get(key)!
    const folded = node.kind === 'agents' && node.namespace !== namespace ? foldedNode(node.namespace) : node
    nodes.set(folded.key, folded)
    return folded.key
  }
  const isOwn = (key: string) => graph.nodes.get(key)!.namespace === namespace
  const edges = graph.edges
    .filter(({ from, to }) => isOwn(from) || isOwn(to))
    .map((edge) => ({ ...edge, from: place(edge.from), to: place(edge.to) }))
  return drawn({ nodes, edges }, [...nodes.keys()], { title: texts.of(namespace), note: '' })
}

function foldedNode(namespace: string): GraphNode {
  const key = `namespace ${namespace}`
  return { key, kind: 'namespace', label: namespace, namespace, ids: [], status: 'unknown' }
}

/** By node: what it needs, then what needs it. */
function neighboursOf({ edges }: AgentGraph): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  const add = (one: string, other: string) => {
    const known = found.get(one)
    if (known) known.add(other)
    else found.set(one, new Set([other]))
  }
  for (const { from, to } of edges) add(from, to)
  for (const { from, to } of edges) add(to, from)
  return found
}

function busiestOf(graph: AgentGraph): GraphNode {
  const neighbours = neighboursOf(graph)
  const count = ({ key }: GraphNode) => neighbours.get(key)?.size ?? 0
  const agents = [...graph.nodes.values()].filter(({ kind }) => kind === 'agents')
  return agents.reduce((most, node) => (count(node) > count(most) ? node : most))
}

function drawn(
  graph: Pick<AgentGraph, 'nodes' | 'edges'>,
  keys: readonly string[],
  caption: Caption,
  centre?: string,
): Drawing {
  const chosen = keys.slice(0, maxNodes)
  const isChosen = new Set(chosen)
  const arrows = new Map<string, Arrow>()
  for (const { from, to, capability, isUnresolved } of graph.edges) {
    if (from === to || !isChosen.has(from) || !isChosen.has(to)) continue
    const key = JSON.stringify([from, to])
    const known = arrows.get(key)?.capabilities ?? []
    const capabilities = known.includes(capability) ? known : [...known, capability]
    arrows.set(key, { from, to, isUnresolved, capabilities })
  }
  return {
    ...caption,
    boxes: chosen.flatMap((key) => {
      const node = graph.nodes.get(key)
      return node ? [{ ...boxOf(node), isCentre: key === centre }] : []
    }),
    arrows: [...arrows.values()],
    omitted: keys.length - chosen.length,
  }
}

function boxOf({ key: id, kind, label, ids, status }: GraphNode): Omit<Box, 'isCentre'> {
  if (kind === 'missing') {
    const href = linkTo(['capabilities'], new URLSearchParams({ q: label }))
    return { id, title: label, detail: texts.unresolved, shape: '✕', look: 'missing', href }
  }
  if (kind === 'namespace') {
    const href = linkTo(['graph'], new URLSearchParams({ namespace: label }))
    return { id, title: label, detail: texts.namespace, shape: '□', look: 'unknown', href }
  }
  const { shape, word } = statusTexts[status as keyof typeof statusTexts] ?? { shape: '○', word: status }
  const detail = ids.length > 1 ? `${texts.replicas(ids.length)}, ${word}` : word
  const href =
    ids.length > 1
      ? linkTo(['agents'], new URLSearchParams({ q: label }))
      : linkTo(kind === 'server' ? providerPlace(label) : ['agents', ids[0] ?? ''])
  return { id, title: label, detail, shape, look: status, href }
}

/** Each namespace as one box, with how much it needs of the others. */
function byNamespace({ nodes, edges, nodeOf }: AgentGraph, note: string): Drawing {
  const agents = new Map<string, number>()
  for (const { namespace } of nodeOf.values()) agents.set(namespace, (agents.get(namespace) ?? 0) + 1)
  const lacking = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const { from, to, count, isUnresolved } of edges) {
    const [own, other] = [nodes.get(from)!.namespace, nodes.get(to)!.namespace]
    if (isUnresolved) lacking.set(own, (lacking.get(own) ?? 0) + count)
    else if (own !== other && agents.has(other)) {
      const key = JSON.stringify([own, other])
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
  }
  const names = [...agents].toSorted(([, one], [, other]) => other - one).map(([name]) => name)
  const chosen = names.slice(0, maxNodes)
  return {
    title: texts.namespaces,
    note,
    omitted: names.length - chosen.length,
    boxes: chosen.map((namespace) => {
      const missing = lacking.get(namespace) ?? 0
      const count = texts.agents(agents.get(namespace) ?? 0)
      return {
        id: namespace,
        title: namespace,
        detail: missing > 0 ? `${count}, ${missing} ${texts.unresolved}` : count,
        shape: missing > 0 ? '✕' : '●',
        look: missing > 0 ? 'lacking' : 'healthy',
        href: linkTo(['graph'], new URLSearchParams({ namespace })),
        isCentre: false,
      }
    }),
    arrows: [...counts].flatMap(([key, count]) => {
      const [from = '', to = ''] = JSON.parse(key) as string[]
      const isDrawn = chosen.includes(from) && chosen.includes(to)
      return isDrawn ? [{ from, to, capabilities: [texts.dependencies(count)], isUnresolved: false }] : []
    }),
  }
}

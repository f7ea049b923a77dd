import { useSignal } from '@preact/signals'
import { Table } from '../../parts/table.tsx'
import { linkTo, place, setParameters } from '../../router.ts'
import { graphTexts as texts } from '../../texts/mesh/graph.ts'
import { providerPlace } from '../agents/agent-view.ts'
import type { AgentGraph, GraphEdge, GraphNode } from './agent-graph.ts'

/** Rows that are shown until all are asked for. */
const maxRows = 100

/** Who needs whom, through which capability; what is unresolved first. */
export function DependencyTable({
  graph,
  drawn,
}: {
  readonly graph: AgentGraph
  /** The nodes to which it is confined; absent: all. */
  readonly drawn?: ReadonlySet<string> | undefined
}) {
  const { parameters } = place.value
  const isWhole = useSignal(false)
  const rows = graph.edges
    .filter(({ from, to }) => !drawn || (drawn.has(from) && drawn.has(to)))
    .filter(matching(graph, parameters))
    .toSorted(byNeed(graph))
  const shown = isWhole.value ? rows : rows.slice(0, maxRows)
  return (
    <>
      <form class="filters" aria-label={texts.list} onSubmit={(event) => event.preventDefault()}>
        <label class="search">
          <span class="hidden">{texts.find}</span>
          <input
            type="search"
            placeholder={texts.find}
            value={parameters.get('q') ?? ''}
            onInput={(event) => setParameters({ q: event.currentTarget.value })}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={parameters.has('unresolved')}
            onChange={(event) => setParameters({ unresolved: event.currentTarget.checked ? 'true' : '' })}
          />{' '}
          {texts.onlyUnresolved}
        </label>
      </form>
      {rows.length === 0 ? (
        <p class="soft">{texts.nothingMatches}</p>
      ) : (
        <Table columns={texts.columns} class="dependencies">
          {shown.map((edge) => (
            <DependencyLine key={`${edge.from} ${edge.to} ${edge.capability}`} edge={edge} graph={graph} />
          ))}
        </Table>
      )}
      {shown.length < rows.length && (
        <button type="button" onClick={() => (isWhole.value = true)}>
          {texts.all(rows.length)}
        </button>
      )}
    </>
  )
}

function matching({ nodes }: AgentGraph, parameters: URLSearchParams): (edge: GraphEdge) => boolean {
  const words = (parameters.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const isOnlyUnresolved = parameters.has('unresolved')
  const namespace = parameters.get('namespace')
  return ({ from, to, capability, isUnresolved }) => {
    if (isOnlyUnresolved && !isUnresolved) return false
    const [consumer, provider] = [nodes.get(from)!, nodes.get(to)!]
    if (namespace !== null && consumer.namespace !== namespace && provider.namespace !== namespace) return false
    if (words.length === 0) return true
    const searched = `${capability} ${consumer.ids.join(' ')} ${consumer.label} ${provider.ids.join(' ')}`.toLowerCase()
    return words.every((word) => searched.includes(word))
  }
}

function byNeed({ nodes }: AgentGraph): (one: GraphEdge, other: GraphEdge) => number {
  const textOf = ({ from, capability }: GraphEdge) => `${nodes.get(from)!.label} ${capability}`
  return (one, other) => Number(other.isUnresolved) - Number(one.isUnresolved) || (textOf(one) < textOf(other) ? -1 : 1)
}

function DependencyLine({ edge, graph: { nodes } }: { readonly edge: GraphEdge; readonly graph: AgentGraph }) {
  const consumer = nodes.get(edge.from)!
  const [first = ''] = consumer.ids
  return (
    <tr>
      <td>
        <NodeLink node={consumer} />
      </td>
      <td>
        <bdi>{edge.capability}</bdi>
      </td>
      <td>
        {edge.isUnresolved ? (
          <span class="unresolved">
            <span aria-hidden="true">✕</span> {texts.unresolved} <a href={linkTo(['agents', first])}>{texts.explain}</a>
          </span>
        ) : (
          <NodeLink node={nodes.get(edge.to)!} />
        )}
      </td>
      <td>
        <a href={linkTo(['graph'], new URLSearchParams({ agent: first }))}>{texts.show}</a>
      </td>
    </tr>
  )
}

function NodeLink({ node: { kind, ids, label, namespace } }: { readonly node: GraphNode }) {
  const [first = ''] = ids
  const href =
    ids.length > 1
      ? linkTo(['agents'], new URLSearchParams({ q: label }))
      : linkTo(kind === 'server' ? providerPlace(first) : ['agents', first])
  return (
    <>
      <a href={href}>
        <bdi>{label}</bdi>
      </a>
      {ids.length > 1 && <span class="badge">{texts.replicas(ids.length)}</span>}
      {kind === 'agents' && namespace !== 'default' && <span class="badge">{namespace}</span>}
    </>
  )
}

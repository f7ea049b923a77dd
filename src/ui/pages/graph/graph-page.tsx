import { useMemo, useRef } from 'preact/hooks'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { linkTo, place } from '../../router.ts'
import { graphTexts as texts } from '../../texts/mesh/graph.ts'
import { type AgentGraph, type DependentAgent, graphOf } from './agent-graph.ts'
import { DependencyTable } from './dependency-table.tsx'
import './graph.css'
import { GraphDrawing } from './graph-drawing.tsx'
import { drawingOf } from './graph-views.ts'

/** Maximum number of agents; the list of more would be too long to be asked for again and again. */
const maxAgents = 2000

/** Who needs whom: a drawing of as much as can be read, and a table of everything. */
export function GraphPage() {
  const { value, error } = usePolled<{ readonly agents: readonly DependentAgent[]; readonly continue?: string }>(
    `dependencies?limit=${maxAgents}`,
    { isWithServers: true },
  )
  const agents = useUnchanged(value?.agents)
  const graph = useMemo(() => graphOf(agents ?? []), [agents])
  // Drawn again only where something has changed: every answer is another object.
  const content = useMemo(() => graph.edges.length > 0 && <Content graph={graph} />, [graph])
  return (
    <section class="graph">
      <div class="head">
        <h1>{texts.title}</h1>
        {agents && (
          <p class="soft" role="status">
            {texts.summary(agents.length, graph.unresolved)}
          </p>
        )}
        <Views graph={graph} />
      </div>
      <ProblemLine error={error} />
      {value?.continue !== undefined && <p class="soft">{texts.cut(maxAgents)}</p>}
      {agents && agents.length === 0 && (
        <div class="empty">
          <h2>{texts.nothingYet}</h2>
          <p>{texts.nothingYetHelp}</p>
        </div>
      )}
      {agents && agents.length > 0 && graph.edges.length === 0 && <p class="soft">{texts.noDependencies}</p>}
      {content}
    </section>
  )
}

/** The former value while it says the same. */
function useUnchanged<T>(value: T): T {
  const former = useRef({ value, text: '' })
  if (former.current.value === value) return value
  const text = JSON.stringify(value)
  const isSame = text === former.current.text
  former.current = { value: isSame ? former.current.value : value, text }
  return former.current.value
}

function Views({ graph }: { readonly graph: AgentGraph }) {
  const { parameters } = place.value
  const isDefault = ['agent', 'namespace', 'view'].every((name) => !parameters.has(name))
  const namespaces = new Set(graph.nodeOf.values().map(({ namespace }) => namespace))
  if (isDefault && namespaces.size < 2) return null
  return (
    <nav class="row" aria-label={texts.views}>
      <a href={linkTo(['graph'])} aria-current={isDefault ? 'page' : undefined}>
        {texts.whole}
      </a>
      {namespaces.size > 1 && (
        <a
          href={linkTo(['graph'], new URLSearchParams({ view: 'namespaces' }))}
          aria-current={parameters.get('view') === 'namespaces' ? 'page' : undefined}
        >
          {texts.namespaces}
        </a>
      )}
    </nav>
  )
}

function Content({ graph }: { readonly graph: AgentGraph }) {
  const { parameters } = place.value
  const agent = parameters.get('agent')
  const isAround = agent !== null && graph.nodeOf.has(agent)
  const drawing = drawingOf(graph, parameters)
  return (
    <>
      <h2>
        <bdi>{drawing.title}</bdi>
      </h2>
      {agent !== null && !isAround && <p class="soft">{texts.unknown(agent)}</p>}
      {drawing.note !== '' && <p class="soft">{drawing.note}</p>}
      <GraphDrawing drawing={drawing} />
      {drawing.omitted > 0 && <p class="soft">{texts.omitted(drawing.omitted)}</p>}
      <h2>{texts.list}</h2>
      <DependencyTable graph={graph} drawn={isAround ? new Set(drawing.boxes.map(({ id }) => id)) : undefined} />
    </>
  )
}

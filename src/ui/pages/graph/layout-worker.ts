import { graphlib, layout } from '@dagrejs/dagre'

/** A graph to lay out: sizes in CSS pixels. */
export type LayoutQuestion = {
  readonly nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[]
  readonly edges: readonly { readonly from: string; readonly to: string }[]
}

/** Centres of the nodes, points of the edges (in the order of the question), and the size of the whole. */
export type LayoutAnswer = {
  readonly nodes: readonly { readonly id: string; readonly x: number; readonly y: number }[]
  readonly edges: readonly (readonly { readonly x: number; readonly y: number }[])[]
  readonly width: number
  readonly height: number
}

addEventListener('message', ({ data }: MessageEvent<LayoutQuestion>) => {
  const graph = new graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 16, ranksep: 120 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, width, height } of data.nodes) graph.setNode(id, { width, height })
  for (const { from, to } of data.edges) graph.setEdge(from, to)
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  const answer: LayoutAnswer = {
    nodes: data.nodes.map(({ id }) => {
      const { x, y } = graph.node(id) as { x: number; y: number }
      return { id, x, y }
    }),
    edges: data.edges.map(({ from, to }) => (graph.edge(from, to) as { points: { x: number; y: number }[] }).points),
    width,
    height,
  }
  postMessage(answer)
})

/** What the mesh knows of an agent beyond what every server has. Kept with it, shown at `/agents`. */
export type AgentSpec = {
  /** The name as the mesh shows it, made fit: lower-case letters, digits and dashes. */
  readonly name: string
  readonly endpoint: string
  readonly agent_type: string
  readonly health_interval: number
  readonly timeout_threshold: number
  readonly eviction_threshold: number
  readonly config: Record<string, unknown>
  readonly security_context: string | null
  readonly transport?: readonly string[]
}

/** Thresholds for agents that name none, in seconds. */
export type LeaseThresholds = { readonly timeout: number; readonly eviction: number }

/** The originals' thresholds by type, in seconds: timeout, eviction. */
const byType: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['file-agent', [90, 180]],
  ['worker', [45, 90]],
  ['critical', [30, 60]],
])

/** What an agent says of itself, as far as it does. */
type Said = { readonly id: string } & {
  readonly [Field in keyof AgentSpec]?: NonNullable<AgentSpec[Field]> | undefined
}

/** What is said of an agent, with what holds where nothing is said. */
export function agentSpecOf(sent: Said, defaults: LeaseThresholds): AgentSpec {
  const agent_type = fitName(sent.agent_type ?? 'default')
  const [timeout, eviction] = byType.get(agent_type) ?? [defaults.timeout, defaults.eviction]
  const timeout_threshold = sent.timeout_threshold ?? timeout
  return {
    name: fitName(sent.name ?? sent.id),
    endpoint: sent.endpoint || `stdio://${sent.id}`,
    agent_type,
    health_interval: sent.health_interval ?? 30,
    timeout_threshold,
    eviction_threshold: Math.max(
      timeout_threshold,
      sent.eviction_threshold ?? Math.max(eviction, 2 * timeout_threshold),
    ),
    config: sent.config ?? {},
    security_context: sent.security_context ?? null,
    ...(sent.transport && { transport: sent.transport }),
  }
}

export function isHttpEndpoint(endpoint: string): boolean {
  return /^https?:/i.test(endpoint)
}

/** Where an agent is reached; what is no address of HTTP is one of the agent's own making. */
export function endpointAddress(endpoint: string): { type: 'http' | 'stdio'; url: string } {
  if (isHttpEndpoint(endpoint)) return { type: 'http', url: endpoint }
  return { type: 'stdio', url: endpoint.startsWith('stdio://') ? endpoint : `stdio://${endpoint}` }
}

/** Lower case, everything but letters, digits and dashes a dash, none doubled or at an end; `agent` where nothing is left. */
function fitName(text: string): string {
  if (text.length <= 63 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text)) return text
  const fit = text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/-{2,}/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return fit || 'agent'
}

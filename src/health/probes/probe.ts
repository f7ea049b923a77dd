import type { Capability } from '../../model/capability.ts'
import type { RegisteredServer } from '../../model/change.ts'
import type { ProbeResult, Reason } from '../../model/health.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { PublicDiscovery } from './discovery.ts'

/** Probes a server once. Never rejects: a failure is an outcome too. */
export type Probe = (server: Pick<RegisteredServer, 'server' | 'reach'>, limits: ProbeLimits) => Promise<ProbeOutcome>

/** Outcome of one probe; with capabilities and version only where it requested and received them. */
export type ProbeOutcome = ProbeResult & {
  readonly capabilities?: readonly Capability[]
  /** Kinds of capabilities whose list failed: what is known of them stays. */
  readonly unlisted?: readonly Capability['kind'][]
  readonly version?: string
  /** What the server calls itself, for programs. */
  readonly serverName?: string
  readonly discovery?: PublicDiscovery
}

export type ProbeLimits = {
  /** Deadline of the whole probe. */
  readonly timeoutMs: number
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  /** Whether the probe also requests the tools, prompts and resources of an MCP server. */
  readonly learn: boolean
  readonly signal: AbortSignal
}

/** Everything one kind of probe needs to probe one URL. */
export type ProbeRequest = ProbeLimits & {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly reach: RegisteredServer['reach']
  /** The definition says that the server speaks HTTP+SSE. */
  readonly sse: boolean
}

/** One kind of probe: `mcp`, `http` or `tcp`. The whole duration is the response time where it gives none. */
export type ProbeKind = (request: ProbeRequest, http: HttpClient) => Promise<PartialOutcome>
export type PartialOutcome = { readonly ok: boolean; readonly reason: Reason } & Partial<ProbeOutcome>

/** Milliseconds between two times, rounded to hundredths. */
export function elapsedMs(start: number, end: number): number {
  return Math.round((end - start) * 100) / 100
}

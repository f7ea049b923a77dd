import type { Status } from '../health.ts'

/** A provider that can be chosen. Servers, agents and sessions of a client all have this shape. */
export type BalancedProvider = {
  /** Unique among the providers; `namespace/name` of a server. */
  readonly id: string
  readonly status: Status
  readonly zone?: string | undefined
  readonly region?: string | undefined
  /** Moving average of its response times, in ms. Absent: never measured. */
  readonly latencyMs?: number | undefined
  /** The load that it reports; any scale that all providers share, lower is better. Absent: it reports none. */
  readonly load?: number | undefined
  /** Calls that the chooser itself has in flight there. */
  readonly inFlight?: number | undefined
}

/** Where something runs. */
export type Location = { readonly zone?: string | undefined; readonly region?: string | undefined }

/** Well-known labels of Kubernetes, before the short names that agents of the mesh send. */
const zoneLabels = ['topology.kubernetes.io/zone', 'zone'] as const
const regionLabels = ['topology.kubernetes.io/region', 'region'] as const

/** Where a server runs, from its labels. An empty label counts as absent. */
export function locationOf(labels: Readonly<Record<string, string>>): Location {
  const first = (names: readonly string[]) =>
    names.map((name) => (Object.hasOwn(labels, name) ? labels[name] : undefined)).find(Boolean)
  return { zone: first(zoneLabels), region: first(regionLabels) }
}

/** The weight of a new response time in the moving average: about the last seven count. */
const sampleWeight = 0.25

/** The exponentially weighted moving average after one more response time, in ms. `before`: absent at the first. */
export function movingAverage(before: number | undefined, sampleMs: number): number {
  return before === undefined ? sampleMs : before + sampleWeight * (sampleMs - before)
}

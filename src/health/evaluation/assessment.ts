import { isDeepStrictEqual } from 'node:util'
import { movingAverage } from '../../model/balancing/provider.ts'
import type { Capability } from '../../model/capability.ts'
import type { Health, ProbeResult, Reason } from '../../model/health.ts'
import type { ProbeOutcome } from '../probes/probe.ts'
import { createHistory, type History, type PastProbe } from './history.ts'
import { initialVerdict, type Verdict } from './verdict.ts'

/** What a server said of itself. */
export type Learned = { readonly capabilities?: readonly Capability[]; readonly version?: string }

/** What the probes of one target have shown so far. Only the health evaluator writes to it. */
export type Assessment = {
  verdict: Verdict
  reason: Reason | undefined
  /** The health last sent to the registry; older than the verdict during self-preservation. */
  health: Health | undefined
  /** The last of these that was healthy. */
  lastHealthy: Health | undefined
  /** Another member of the cluster has probed since this daemon did. */
  isAdopted: boolean
  learned: Learned
  /** Successful probes since the last one that requested the tools. */
  probesSinceLearning: number
  readonly history: History
  /** Wall clock, in ms. */
  lastProbed: number | undefined
  responseMs: number | undefined
  /** Moving average of the response times of successful probes, in ms. */
  latencyMs: number | undefined
  /** Failed probes by reason; undefined before the first, since most targets never fail. */
  failures: Map<Reason, number> | undefined
  /** Changes with every result; never the same for two results of any targets. */
  version: number
}

export function createAssessment(version: number): Assessment {
  return {
    verdict: initialVerdict,
    reason: undefined,
    health: undefined,
    lastHealthy: undefined,
    isAdopted: false,
    learned: {},
    probesSinceLearning: Number.POSITIVE_INFINITY,
    history: createHistory(),
    lastProbed: undefined,
    responseMs: undefined,
    latencyMs: undefined,
    failures: undefined,
    version,
  }
}

/** What is known of a server after one more probe; the same object where that is nothing new. */
export function learnedFrom(
  learned: Learned,
  { capabilities: listed, unlisted = [], version }: Pick<ProbeOutcome, 'capabilities' | 'unlisted' | 'version'>,
): Learned {
  const kept = learned.capabilities?.filter(({ kind }) => unlisted.includes(kind)) ?? []
  const capabilities = kept.length > 0 && listed ? [...listed, ...kept] : listed
  const isNew = capabilities !== undefined && !isDeepStrictEqual(capabilities, learned.capabilities)
  if (!isNew && (version === undefined || version === learned.version)) return learned
  return { ...learned, ...(capabilities && { capabilities }), ...(version && { version }) }
}

/** Records the outcome of one probe, at a time of the wall clock in ms. */
export function recordOutcome(
  assessment: Assessment,
  { ok, reason, response_time_ms }: ProbeResult,
  { at, version }: { readonly at: number; readonly version: number },
): void {
  assessment.lastProbed = at
  assessment.responseMs = response_time_ms
  assessment.version = version
  assessment.history.add(at, reason, response_time_ms)
  if (ok) assessment.latencyMs = movingAverage(assessment.latencyMs, response_time_ms)
  else {
    assessment.failures ??= new Map()
    assessment.failures.set(reason, (assessment.failures.get(reason) ?? 0) + 1)
  }
}

/** Records a result that another daemon stored. */
export function adoptResult(assessment: Assessment, { at, ...result }: PastProbe): void {
  recordOutcome(assessment, result, { at: Date.parse(at), version: assessment.version })
}

import type { Capability } from '../model/capability.ts'
import type { RegisteredServer } from '../model/change.ts'
import type { Health, Reason } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import { targetKey, targetOf } from '../model/target.ts'
import { createHistory, type History } from './evaluation/history.ts'
import { untried, type Verdict } from './evaluation/verdict.ts'
import type { ProbeOutcome } from './probes/probe.ts'

/** One target under observation, on behalf of every server that has it. */
export type ProbeTarget = {
  readonly key: string
  readonly target: string
  /** `host:port`: what its load falls on. */
  readonly host: string
  readonly ids: Set<ServerId>
  readonly history: History
  verdict: Verdict
  /** What the registry was last told; while the daemon suspects itself, older than the verdict. */
  health: Health | undefined
  /** What it was last told while the target was healthy. */
  lastWell: Health | undefined
  reason: Reason | undefined
  learned: { readonly capabilities?: readonly Capability[]; readonly version?: string }
  /** Probes since its tools were last asked for. */
  unlearned: number
  /** It did not answer at once while others waited: it gets all its time, in the line of the slow. */
  deferred: boolean
  lastChecked: number | undefined
  responseMs: number | undefined
  /** Grows with every result. */
  version: number
  running: Running | undefined
  /** Its place in the agenda. */
  appointment: { readonly due: number; readonly subject: ProbeTarget } | undefined
}

export type Running = {
  readonly started: number
  readonly slow: boolean
  /** It has less than the whole deadline, and running out of it is no result. */
  readonly hurried: boolean
  readonly abort: AbortController
  /** The event loop, or the whole machine, stood still meanwhile: a failure says nothing. */
  stalled: boolean
  /** Resolves with what was found; with nothing when called off. */
  readonly done: Promise<ProbeOutcome | undefined>
}

/** Servers with equal keys are probed together; undefined where nothing can be probed. */
export function probeTargetKey({ server, reach }: RegisteredServer): string | undefined {
  return targetOf(server).check === 'none' ? undefined : `${reach} ${targetKey(server)}`
}

export function createProbeTarget(key: string, { server }: RegisteredServer, version: number): ProbeTarget {
  const target = targetOf(server)
  return {
    key,
    target: targetKey(server),
    host: target.check === 'none' ? '' : hostOf(target.url),
    ids: new Set(),
    history: createHistory(),
    verdict: untried,
    health: undefined,
    lastWell: undefined,
    reason: undefined,
    learned: {},
    unlearned: Number.POSITIVE_INFINITY,
    deferred: false,
    lastChecked: undefined,
    responseMs: undefined,
    version,
    running: undefined,
    appointment: undefined,
  }
}

function hostOf(text: string): string {
  const url = URL.parse(text)
  if (!url) return text
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
}

import { setImmediate } from 'node:timers/promises'
import { HealthConfig } from '../../src/health/config.ts'
import { createMonitor } from '../../src/health/monitor.ts'
import { probeTargetKey } from '../../src/health/probe-target.ts'
import type { ProbeOutcome, Probe } from '../../src/health/probes/probe.ts'
import type { VerdictExchange } from '../../src/health/sharing/probe-duty.ts'
import { silent } from '../../src/log.ts'
import type { Reach } from '../../src/model/change.ts'
import type { Reason } from '../../src/model/health.ts'
import { serverId } from '../../src/model/names.ts'
import { ServerDefinition } from '../../src/model/server.ts'
import type { OutboundError } from '../../src/outbound/outbound-error.ts'
import type { Candidate, Layer } from '../../src/registry/candidate.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { createRandom } from '../random.ts'
import { createFakeClock } from './fake-clock.ts'

/** How a fake server responds. */
export type Behaviour = Partial<ProbeOutcome> & {
  readonly takesMs?: number
  /** As `takesMs`; a probe with a shorter deadline times out. */
  readonly needsMs?: number
  /** Never responds. */
  readonly never?: boolean
}

/** A real registry and a real monitor on a fake clock; only the probed servers are fakes. */
export function createTestMonitor({
  config = {},
  random = createRandom(7).next,
  time = createFakeClock(),
  exchange,
}: {
  config?: object
  random?: () => number
  /** Several monitors can have one clock. */
  time?: ReturnType<typeof createFakeClock>
  exchange?: VerdictExchange
} = {}) {
  const { enabled } = HealthConfig.parse(config)
  const registry = createRegistry({
    now: time.clock.wall,
    isProbing: () => enabled,
    onError: (error) => {
      throw error
    },
  })
  const layers = new Map<Reach, Layer>()
  const candidates = new Map<string, Candidate>()
  const behaviours = new Map<string, Behaviour>()
  const started: { url: string; at: number; learn: boolean }[] = []
  const revisions: number[] = []
  registry.subscribe(({ revision }) => revisions.push(revision))
  let isCatchingUp = false
  let inFlight = 0
  let maxInFlight = 0

  const probe: Probe = async ({ server: { url = '' } }, { timeoutMs, learn, signal }) => {
    started.push({ url, at: time.clock.now(), learn })
    maxInFlight = Math.max(maxInFlight, ++inFlight)
    const { needsMs = 20, takesMs = needsMs, never = false, ...outcome } = behaviours.get(url) ?? {}
    const isLate = never || needsMs > timeoutMs
    const took = isLate ? timeoutMs : takesMs
    await new Promise<void>((resolve) => {
      const cancel = time.clock.after(took, resolve)
      signal.addEventListener('abort', () => (cancel(), resolve()))
    })
    inFlight--
    const result: { ok: boolean; reason: Reason } = isLate
      ? { ok: false, reason: 'timeout' }
      : { ok: true, reason: 'ok' }
    return { ...result, response_time_ms: took, ...outcome }
  }

  const monitor = createMonitor({
    registry,
    http: undefined as never, // unused: the probe is a fake
    config: HealthConfig.parse(config),
    log: silent,
    clock: time.clock,
    random,
    probe,
    exchange,
  })

  function layerOf(reach: Reach): Layer {
    const layer = layers.get(reach) ?? { name: reach, reach, discovery_method: 'config_file', order: layers.size }
    layers.set(reach, layer)
    return layer
  }

  /** Puts servers and drops others by name, in one revision. */
  function change(put: readonly object[], drop: readonly string[] = [], reach: Reach = 'any'): void {
    const added = put.map((fields): Candidate => {
      const definition = ServerDefinition.parse({ name: 'weather', url: 'http://weather.example/mcp', ...fields })
      const id = serverId(definition.namespace, definition.name)
      return { id, definition, layer: layerOf(reach), origin: 'test', rank: 0, position: 0, stale: false }
    })
    const ids = [...added.map(({ id }) => id), ...drop.map((name) => serverId('default', name))]
    const removed = ids.flatMap((id) => candidates.get(id) ?? [])
    for (const id of ids) candidates.delete(id)
    for (const candidate of added) candidates.set(candidate.id, candidate)
    isCatchingUp ||= added.length > 100
    registry.commit({ removed, added })
  }

  /** Waits until the monitor has processed every server of a large change. */
  async function catchUp(): Promise<void> {
    const targets = new Set(registry.list().flatMap((registered) => probeTargetKey(registered) ?? []))
    while (monitor.stats().targets !== targets.size) await setImmediate()
  }

  /** Advances the clock, once the monitor has processed every server put before. */
  async function pass(ms: number): Promise<void> {
    if (isCatchingUp) await catchUp()
    isCatchingUp = false
    await time.pass(ms)
  }

  return {
    ...time,
    pass,
    registry,
    monitor,
    started,
    revisions,
    change,
    put: (...servers: object[]) => change(servers),
    drop: (...names: string[]) => change([], names),
    behave: (url: string, behaviour: Behaviour) => void behaviours.set(url, behaviour),
    server: (name: string) => {
      const server = registry.get(`default/${name}`)?.server
      if (!server) throw new Error(`${name} is not registered`)
      return server
    },
    inFlight: () => inFlight,
    maxInFlight: () => maxInFlight,
    startsOf: (url: string) => started.filter((start) => start.url === url).map(({ at }) => at),
  }
}
export type TestMonitor = ReturnType<typeof createTestMonitor>

export const refused: Behaviour = { ok: false, reason: 'refused' satisfies OutboundError['reason'] }
export const well: Behaviour = { ok: true, reason: 'ok' }

/** `count` servers, each with a target of its own. */
export const many = (count: number, fields: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    url: `http://s${index}.example/mcp`,
    ...fields(index),
  }))
export const urls = (count: number) => many(count).map(({ url }) => url)

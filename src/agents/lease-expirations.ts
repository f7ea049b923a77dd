import type { Log } from '../log.ts'
import { alone, type Duty } from '../stores/member.ts'
import { type OperationOutcome, type Store, type StoredRegistration, StoreUnavailable } from '../stores/store.ts'
import type { AgentTable } from './agent-table.ts'
import type { Agent } from './agent.ts'
import { lapseRecord } from './leases/lease-record.ts'
import type { LeaseTransition } from './leases/lease.ts'
import type { Leases } from './leases/leases.ts'
import type { RegistryWriter } from './registry-writer.ts'
import { toRetireOperation } from './stored-agent.ts'

/** Maximum number of expirations that are logged one by one. */
const maxLogged = 20

/** Applies expired leases to the agents: a new status is written to the registry, a silent agent is retired by the store. */
export function createLeaseExpirations({
  leases,
  table,
  learn,
  writer,
  store,
  duty = alone,
  log,
  onForgotten,
}: {
  leases: Pick<Leases, 'applyExpirations'>
  table: Pick<AgentTable, 'get' | 'applyDeletion' | 'applyHeartbeats'>
  /** Applies what is stored in place of a known agent. */
  learn: (known: Agent, stored: StoredRegistration | undefined) => void
  writer: Pick<RegistryWriter, 'write' | 'flush'>
  store: Pick<Store, 'commit' | 'recordHeartbeats'>
  duty?: Duty | undefined
  log: Pick<Log, 'info' | 'warn'>
  onForgotten?: ((agent: Agent) => void) | undefined
}) {
  let expiredCount = 0

  /** Applies expired leases and flushes scheduled changes; called before every read. */
  function applyExpirations(): void {
    const transitions = leases.applyExpirations()
    if (transitions.length > 0) applyTransitions(transitions)
    writer.flush()
  }

  function applyTransitions(transitions: readonly LeaseTransition[]): void {
    const expired = transitions.filter(({ status }) => status !== 'forgotten')
    const changed = expired.flatMap(({ lease }) => table.get(lease.id) ?? [])
    expiredCount += changed.length
    logTransitions(expired)
    if (changed.length > 0) writer.write(changed)
    // So that a restart does not take them for agents that were alive until then.
    const lapses = changed.flatMap(({ lease }) => lapseRecord(lease) ?? [])
    if (lapses.length > 0) store.recordHeartbeats(lapses)
    const silent = transitions.filter(({ status }) => status === 'forgotten')
    if (silent.length > 0) void retire(silent)
  }

  function logTransitions(transitions: readonly LeaseTransition[]): void {
    for (const { lease, status } of transitions.slice(0, maxLogged))
      log.info({ agent: lease.id, status }, 'agent lease expired')
    const more = transitions.length - maxLogged
    if (more > 0) log.info({ more }, 'more agent leases expired')
  }

  /** Agents that were silent beyond the retention go once the store has retired them: other daemons may have heard of them. */
  async function retire(silent: readonly LeaseTransition[]): Promise<void> {
    // The leases report it again: by then this daemon may be the one that retires.
    const fence = duty()
    if (!fence) return
    const agents = silent.flatMap(({ lease, silentMs }) => {
      const agent = table.get(lease.id)
      return agent ? { agent, silentMs } : []
    })
    try {
      const outcomes = await store.commit(
        agents.map(({ agent, silentMs }) => toRetireOperation(agent, silentMs, fence)),
      )
      for (const [at, outcome] of outcomes.entries()) applyRetirement(agents[at]!.agent, outcome)
    } catch (error) {
      // The leases report it again.
      if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'silent agents not retired')
    }
  }

  function applyRetirement(agent: Agent, outcome: OperationOutcome): void {
    if (outcome.type === 'deleted') {
      log.info({ agent: agent.id }, 'agent retired after its retention')
      onForgotten?.(agent)
      table.applyDeletion(agent.id, outcome.resource_version)
    } else if (outcome.type === 'alive') writer.write(table.applyHeartbeats([outcome.heartbeat]))
    else if (outcome.type === 'conflict') learn(agent, outcome.current)
  }

  return { applyExpirations, expiredCount: () => expiredCount }
}

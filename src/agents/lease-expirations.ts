import type { Log } from '../log.ts'
import type { Store } from '../stores/store.ts'
import type { AgentTable } from './agent-table.ts'
import type { Agent } from './agent.ts'
import { lapseRecord } from './leases/lease-record.ts'
import type { LeaseTransition } from './leases/lease.ts'
import type { Leases } from './leases/leases.ts'
import type { RegistryWriter } from './registry-writer.ts'
import { toDeleteOperation } from './stored-agent.ts'

/** Maximum number of expirations that are logged one by one. */
const maxLogged = 20

/** Applies expired leases to the agents: a new status is written to the registry, a forgotten agent is removed. */
export function createLeaseExpirations({
  leases,
  table,
  writer,
  store,
  log,
  onForgotten,
}: {
  leases: Pick<Leases, 'applyExpirations'>
  table: Pick<AgentTable, 'get' | 'remove'>
  writer: Pick<RegistryWriter, 'write' | 'flush'>
  store: Pick<Store, 'commit' | 'recordHeartbeats'>
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
    const forgotten = transitions.filter(({ status }) => status === 'forgotten').map(({ lease }) => lease.id)
    const changed = transitions.flatMap(({ lease, status }) =>
      status === 'forgotten' ? [] : (table.get(lease.id) ?? []),
    )
    expiredCount += changed.length
    logTransitions(transitions)
    writer.write(changed)
    // So that a restart does not take them for agents that were alive until then.
    store.recordHeartbeats(changed.flatMap(({ lease }) => lapseRecord(lease) ?? []))
    if (forgotten.length > 0) removeForgotten(forgotten)
  }

  function logTransitions(transitions: readonly LeaseTransition[]): void {
    for (const { lease, status } of transitions.slice(0, maxLogged))
      log.info({ agent: lease.id, status }, 'agent lease expired')
    const more = transitions.length - maxLogged
    if (more > 0) log.info({ more }, 'more agent leases expired')
  }

  /** Removes agents that were silent beyond the retention; the store follows when it can. */
  function removeForgotten(ids: readonly string[]): void {
    const operations = ids.flatMap((id) => {
      const agent = table.get(id)
      if (agent) onForgotten?.(agent)
      return agent ? [toDeleteOperation(agent)] : []
    })
    table.remove(ids)
    store
      .commit(operations)
      .catch((error: unknown) => log.warn({ err: error }, 'forgotten agents not removed from the store'))
  }

  return { applyExpirations, expiredCount: () => expiredCount }
}

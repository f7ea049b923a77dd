import { type Store, type StoredRegistration, StoreUnavailable } from '../../stores/store.ts'
import type { AgentTable } from '../agent-table.ts'
import type { Agent } from '../agent.ts'
import type { RegistryWriter } from '../registry-writer.ts'
import { toConfirmOperation } from '../stored-agent.ts'

/** Conflicts of one write that bring nothing new, after which the store is taken for an older copy of its database. */
const maxFruitlessConflicts = 3

export type BeginStoreCheck = ReturnType<typeof createStoreCheck>

/** Compares agents as this daemon remembers them with the store: another daemon may have changed them a moment ago. */
export function createStoreCheck({
  store,
  table,
  writer,
}: {
  store: Pick<Store, 'commit'>
  table: Pick<AgentTable, 'get' | 'applyRegistration' | 'removeUpTo'>
  writer: Pick<RegistryWriter, 'write'>
}) {
  /** The check for one write of an agent. */
  return function begin(id: string) {
    let isFresh = false
    let fruitlessConflicts = 0

    /** Applies what is stored in place of `known`; whether that is news. */
    function learn(known: Agent | undefined, stored: StoredRegistration | undefined): boolean {
      isFresh = true
      if (stored) {
        const agent = table.applyRegistration(stored)
        if (agent) writer.write([agent])
      } else if (known) table.removeUpTo(id, known.stored.resource_version)
      const isNews = table.get(id)?.stored.resource_version !== known?.stored.resource_version
      if (!isNews && (fruitlessConflicts += 1) > maxFruitlessConflicts)
        throw new StoreUnavailable('the store shows an older state than this daemon has seen; it is being read again')
      return isNews
    }

    /** Asks the store whether `known` is what is stored. */
    async function isConfirmed(known: Agent | undefined): Promise<boolean> {
      const [outcome] = await store.commit([toConfirmOperation(id, known)])
      if (outcome?.type !== 'conflict') return true
      learn(known, outcome.current)
      return false
    }

    /** Asks the store, once for each write; whether the agent was known otherwise. */
    async function refresh(): Promise<boolean> {
      if (isFresh) return false
      isFresh = true
      const known = table.get(id)
      return !(await isConfirmed(known)) && table.get(id) !== known
    }

    /** `refresh`, but without news while the store is down: for heartbeats, which survive an outage. */
    async function refreshIfUp(): Promise<boolean> {
      try {
        return await refresh()
      } catch (error) {
        if (error instanceof StoreUnavailable) return false
        throw error
      }
    }

    return { learn, isConfirmed, refresh, refreshIfUp }
  }
}

import { type Store, StoreUnavailable } from '../../stores/store.ts'
import type { AgentTable } from '../agent-table.ts'
import type { Agent, AgentRequest } from '../agent.ts'
import { assertSameInstance } from '../authorization.ts'
import { AgentConflict, QuotaExceeded, RegistrationProblem, staleVersion } from '../errors.ts'
import type { RegistryWriter } from '../registry-writer.ts'
import { cycleText } from '../resolution/required-cycles.ts'
import { conditionOf, isUnchanged, redactAhead, reuseKnownParts, toPutOperation } from '../stored-agent.ts'
import type { AgentBytes } from './agent-bytes.ts'
import type { PendingRegistrations } from './pending-registrations.ts'
import type { BeginStoreCheck } from './store-check.ts'

export type AppliedRegistration = {
  readonly agent: Agent
  /** The agent that it replaced or repeated. */
  readonly before: Agent | undefined
  readonly created: boolean
  readonly changed: boolean
}

/** Returns the new holder of an agent, undefined to keep the present one; throws where the principal lacks the right. */
export type HolderResolver = (current: Agent | undefined) => string | undefined

export type RegisterOptions = {
  /** Parses the request again, for the agent as the store turned out to have it. */
  readonly requestFor?: (current: Agent | undefined) => AgentRequest
  /** While the store is down, a registration equal to the known one counts as a heartbeat. */
  readonly survivesOutage?: boolean
  /** Maximum bytes of the agents of the holder. */
  readonly maxHolderBytes?: number | undefined
}

export type Register = ReturnType<typeof createRegister>

/**
 * Registers agents: each resolves once it is stored and visible.
 *
 * No registration is answered from memory, which may be behind the store: one equal to what this daemon knows is confirmed by the
 * store, any other is written only in place of what it was checked against, and a refusal is checked with the store too.
 */
export function createRegister({
  store,
  table,
  writer,
  beginCheck,
  pending,
  bytes,
  settings,
  renew,
}: {
  store: Pick<Store, 'commit'>
  table: AgentTable
  writer: Pick<RegistryWriter, 'write' | 'flushed'>
  beginCheck: BeginStoreCheck
  pending: PendingRegistrations
  bytes: Pick<AgentBytes, 'reserve' | 'hasRoomFor'>
  settings: () => { readonly maxAgents: number }
  /** Renews the lease of a registered agent. */
  renew: (agent: Agent, request: AgentRequest) => Agent
}) {
  async function register(
    requested: AgentRequest,
    holderOf: HolderResolver = () => undefined,
    { requestFor = () => requested, survivesOutage = false, maxHolderBytes }: RegisterOptions = {},
  ): Promise<AppliedRegistration> {
    const { id } = requested
    const check = beginCheck(id)
    for (let request = requested; ; request = requestFor(table.get(id))) {
      const current = table.get(id)
      if (current) request = reuseKnownParts(current, request)
      let holder: string | undefined
      try {
        holder = admit(request, current, holderOf)
      } catch (error) {
        // The refusal rests on memory, which may be outdated.
        if (await check.refresh()) continue
        throw error
      }
      const { expectedVersion } = request
      if (
        current &&
        expectedVersion === undefined &&
        isUnchanged(current, request) &&
        holder === current.ownership.holder
      ) {
        const agent = renew(withNewConfig(current, request), request)
        const isConfirmed = await check.isConfirmed(current).catch((error: unknown) => {
          if (survivesOutage && error instanceof StoreUnavailable) return true
          throw error
        })
        if (!isConfirmed) continue
        return { agent: table.get(id) ?? agent, before: current, created: false, changed: false }
      }
      const { outcome, applied } = await storeRegistration(request, current, { holder, maxHolderBytes })
      if (outcome?.type === 'rejected')
        throw new RegistrationProblem('registration', `Validation failed: ${outcome.reason}`)
      // Another write was stored first: owner and instance of this one are checked again.
      if (outcome?.type === 'conflict') {
        check.learn(current, outcome.current)
        continue
      }
      if (outcome?.type !== 'put') throw staleVersion(id, expectedVersion, table.get(id))
      const agent = applied ?? table.get(id)
      if (!agent) throw new AgentConflict(`Agent ${id} was removed during the registration; register again.`, undefined)
      renew(agent, request)
      writer.write([agent])
      await writer.flushed()
      return { agent, before: current, created: outcome.created, changed: true }
    }
  }

  async function storeRegistration(
    request: AgentRequest,
    current: Agent | undefined,
    { holder, maxHolderBytes }: { holder: string | undefined; maxHolderBytes: number | undefined },
  ) {
    const release = bytes.reserve(request, { holder, maxHolderBytes })
    try {
      redactAhead(request)
      const settled = current ? undefined : pending.begin(request.id, holder)
      const operation = toPutOperation(request, holder, conditionOf(current))
      const [outcome] = await store.commit([operation]).finally(settled)
      const parsed = { parsed: request }
      return {
        outcome,
        applied: outcome?.type === 'put' ? table.applyRegistration(outcome.registration, parsed) : undefined,
      }
    } finally {
      release()
    }
  }

  /** Returns the holder of a registration; throws where it is not to be stored. */
  function admit(
    { id, instance_id, takeover, expectedVersion, spec }: AgentRequest,
    current: Agent | undefined,
    holderOf: HolderResolver,
  ): string | undefined {
    const holder = holderOf(current) ?? current?.ownership.holder
    if (current) assertSameInstance(current, { id, instance_id, takeover })
    else assertBelowLimit(id)
    if (expectedVersion !== undefined && expectedVersion !== current?.stored.resource_version)
      throw staleVersion(id, expectedVersion, current)
    assertNoCycle(id, spec.tools)
    return holder
  }

  /** A cycle of required dependencies would make every function in it unavailable for good. */
  function assertNoCycle(id: string, tools: Agent['spec']['tools']): void {
    if (tools === table.get(id)?.spec.tools) return
    const cycle = table.cycleBy(id, tools)
    if (!cycle) return
    const { field, path } = cycle
    throw new RegistrationProblem(
      field,
      `Validation failed: '${field}' closes a required dependency cycle: ${cycleText(path)}; leave out "required" in one of them`,
    )
  }

  function assertBelowLimit(id: string): void {
    const { maxAgents } = settings()
    if (table.size() + pending.countAll(id) >= maxAgents) throw new QuotaExceeded(`Agent limit (${maxAgents}) reached.`)
  }

  /** Keeps the heartbeat's config without a new version of the agent, where there is room for it. */
  function withNewConfig(current: Agent, { spec, payload }: AgentRequest): Agent {
    if (!payload?.metadata || current.spec.config === spec.config) return current
    const agent = { ...current, spec, hasUnstoredConfig: true as const }
    if (!bytes.hasRoomFor(agent)) return current
    table.put(agent)
    return agent
  }

  return register
}

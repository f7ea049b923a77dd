import { keptBytesOf } from '../../model/data/kept-bytes.ts'
import type { Agent, HeartbeatPayload } from '../agent.ts'
import { QuotaExceeded } from '../errors.ts'

/** What an agent may take without counting towards the budget of all: `max_agents` bounds the usual ones. */
const freeBytes = 16 * 1024

/** Bytes of one agent that count: of its registration, and of its last heartbeat. */
type Held = { registered: number; payload: number; holder: string | undefined }

export type AgentByteLimits = { readonly maxBytes: number; readonly maxAgentBytes: number }

type AgentParts = Pick<Agent, 'id' | 'definition' | 'spec'>

export type AgentBytes = ReturnType<typeof createAgentBytes>

/** Bounds the memory that agents take beyond their free bytes: of each, of a holder, and of all. */
export function createAgentBytes(limits: () => AgentByteLimits) {
  /** Only agents that take more than is free. */
  const held = new Map<string, Held>()
  const byHolder = new Map<string | undefined, number>()
  let total = 0

  function add(holder: string | undefined, bytes: number): void {
    total += bytes
    const sum = (byHolder.get(holder) ?? 0) + bytes
    if (sum > 0) byHolder.set(holder, sum)
    else byHolder.delete(holder)
  }

  function replace(id: string, { registered, payload, holder }: Held): void {
    const before = held.get(id)
    if (!before && registered + payload === 0) return
    if (before) add(before.holder, -before.registered - before.payload)
    if (registered + payload > 0) held.set(id, { registered, payload, holder })
    else held.delete(id)
    add(holder, registered + payload)
  }

  /** Counts a registered agent as it is now. */
  function count(agent: AgentParts & Pick<Agent, 'ownership'>): void {
    const payload = held.get(agent.id)?.payload ?? 0
    replace(agent.id, { registered: countedBytes(agent), payload, holder: agent.ownership.holder })
  }

  /** Counts the payload of a heartbeat in place of the one before; false where there is no room for it. */
  function countPayload({ id, ownership: { holder } }: Agent, payload: Omit<HeartbeatPayload, 'status'>): boolean {
    const { registered = 0, payload: before = 0 } = held.get(id) ?? {}
    const bytes = Math.max(0, keptBytesOf(payload) - freeBytes)
    const fits = bytes <= before || (bytes <= limits().maxAgentBytes && total - before + bytes <= limits().maxBytes)
    replace(id, { registered, payload: fits ? bytes : 0, holder })
    return fits
  }

  /**
   * Reserves the bytes of a registration until the returned function is called: registrations that come at once cannot exceed the limits. Throws where it would grow beyond one. `maxHolderBytes`: the limit of the holder.
   */
  function reserve(
    agent: AgentParts,
    { holder, maxHolderBytes = Infinity }: { holder: string | undefined; maxHolderBytes?: number | undefined },
  ): () => void {
    const { maxBytes, maxAgentBytes } = limits()
    const bytes = agentBytes(agent)
    const counted = Math.max(0, bytes - freeBytes)
    const before = held.get(agent.id)
    const growth = counted - (before?.registered ?? 0)
    const isMoved = before !== undefined && before.holder !== holder
    const ofHolder = (byHolder.get(holder) ?? 0) + (isMoved ? counted : growth)
    if (growth > 0 && bytes > maxAgentBytes)
      throw new QuotaExceeded(
        `Agent ${agent.id} takes ${shown(bytes)} of memory, more than health.agents.max_agent_bytes (${shown(maxAgentBytes)}); shorten its texts and schemas.`,
      )
    if (growth > 0 && total + growth > maxBytes)
      throw new QuotaExceeded(
        `The agents take ${shown(total)} of memory beyond ${shown(freeBytes)} each; ${shown(growth)} more would exceed health.agents.max_bytes (${shown(maxBytes)}).`,
      )
    if ((growth > 0 || isMoved) && counted > 0 && ofHolder > maxHolderBytes)
      throw new QuotaExceeded(
        `The agents of this token would take ${shown(ofHolder)} of memory beyond ${shown(freeBytes)} each, more than its max_agent_bytes (${shown(maxHolderBytes)}).`,
      )
    const reserved = Math.max(0, growth)
    if (reserved > 0) add(holder, reserved)
    return () => reserved > 0 && add(holder, -reserved)
  }

  function hasRoomFor(agent: Agent): boolean {
    const { maxBytes, maxAgentBytes } = limits()
    const growth = countedBytes(agent) - (held.get(agent.id)?.registered ?? 0)
    return growth <= 0 || (agentBytes(agent) <= maxAgentBytes && total + growth <= maxBytes)
  }

  function forget(id: string): void {
    replace(id, { registered: 0, payload: 0, holder: held.get(id)?.holder })
  }

  return { count, countPayload, reserve, hasRoomFor, forget, total: () => total }
}

/** The capabilities of an agent with tools are made of these, and share their memory. */
function agentBytes({ definition, spec }: AgentParts): number {
  const { capabilities, ...rest } = definition
  return keptBytesOf(spec) + keptBytesOf(rest) + (spec.tools ? 0 : keptBytesOf(capabilities))
}

function countedBytes(agent: AgentParts): number {
  return Math.max(0, agentBytes(agent) - freeBytes)
}

function shown(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 100_000) / 10} MB`
}

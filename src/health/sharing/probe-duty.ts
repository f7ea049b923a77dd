import { hash } from 'node:crypto'
import { hostname } from 'node:os'
import type { ProbeTarget } from '../probe-target.ts'

/** What is stored of one target: the member that probes it, and what its probes amount to. */
export type KnownVerdict = { readonly prober: string; readonly verdict: string; readonly checks: string }

/** How daemons of one store share probes; `cluster/verdict-exchange.ts`. */
export type VerdictExchange = {
  /** The id of this daemon; undefined while it shares nothing, and probes everything itself. */
  readonly self: () => string | undefined
  /** The live members, the one first that is responsible for a key. */
  readonly orderOf: (key: string) => readonly string[]
  /** A secret of all daemons of the store: keys are hashed with it, since targets can hold secrets. */
  readonly secret: () => string
  readonly read: (key: string) => KnownVerdict | undefined
  /** Stores and tells a verdict, with this daemon as the prober. */
  readonly write: (key: string, verdict: Omit<KnownVerdict, 'prober'>) => void
  /** Calls back with the keys of verdicts that others wrote, and when members have changed. Returns how to end that. */
  readonly subscribe: (listener: {
    readonly onVerdicts: (keys: readonly string[]) => void
    readonly onMembers: () => void
  }) => () => void
}

/** How many targets each daemon probes, by who told the last result of each. */
export type ProberCounts = {
  /** Those of this daemon, with what is not shared. */
  readonly own: number
  /** By id; also of daemons that are members no more. */
  readonly others: ReadonlyMap<string, number>
  /** Targets without a result. */
  readonly unknown: number
}

/**
 * Says who probes a target: the first member, in an order that all compute alike, that knows it.
 *
 * The others see in its verdicts that it does. A member whose predecessors have not written after some time takes over; one that comes
 * earlier in the order takes it back with its own first verdict.
 */
export function createProbeDuty({ self, orderOf, secret, read }: VerdictExchange) {
  const keys = new WeakMap<ProbeTarget, { readonly secret: string; readonly key: string }>()

  /** Identifies a target at all daemons; what each host has of its own, it also probes itself. */
  function keyOf(target: ProbeTarget): string {
    const known = keys.get(target)
    if (known?.secret === secret()) return known.key
    const place = isOfHost(target) ? hostname() : ''
    const made = { secret: secret(), key: hash('sha256', `${secret()} ${place} ${target.key}`, 'base64url') }
    keys.set(target, made)
    return made.key
  }

  /** How many members come before this one; undefined where another one probes the target. */
  function rankOf(target: ProbeTarget): number | undefined {
    const id = self()
    if (id === undefined || isCommand(target)) return 0
    const key = keyOf(target)
    const order = orderOf(key)
    const rank = order.indexOf(id)
    if (rank <= 0) return 0
    const prober = read(key)?.prober
    if (prober === id) return 0
    return prober !== undefined && order.includes(prober) ? undefined : rank
  }

  return { keyOf, rankOf, isShared: (target: ProbeTarget) => self() !== undefined && !isCommand(target) }
}
export type ProbeDuty = ReturnType<typeof createProbeDuty>

/** Every daemon runs its own commands. */
const isCommand = ({ host }: ProbeTarget) => host === ''

/** Loopback is another place on every host. */
const isOfHost = ({ host }: ProbeTarget) =>
  /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0|\[::\]):/i.test(host)

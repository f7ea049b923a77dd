import type { Capability } from '../model/capability.ts'
import type { RegisteredServer } from '../model/change.ts'
import { type Health, worst } from '../model/health.ts'
import { redactServer } from '../model/redaction/redact.ts'
import type { Server } from '../model/server.ts'
import { targetKey } from '../model/target.ts'
import type { Candidate } from './candidate.ts'

/** What probes have found out about a target, kept while the target stays the same. */
export type ProbedState = {
  readonly health: Health
  readonly capabilities?: readonly Capability[] | undefined
  readonly version?: string | undefined
}

/** A server in the registry, with what is needed to work out its next state. */
export type ServerRecord = RegisteredServer & {
  readonly candidate: Candidate
  /** Who else says it is called so, best first. */
  readonly losers: readonly Candidate[]
  readonly target: string
  readonly probed: ProbedState | undefined
}

/** The moment of a change: when, and the version it gives to servers that no store versions. */
export type CommitStamp = { readonly at: string; readonly version: string }

/** The winner of a name as everybody sees it, from what it was before and what probes found. */
export function createRecord(
  winner: Candidate,
  losers: readonly Candidate[],
  { before, probed, moment }: { before: ServerRecord | undefined; probed?: ProbedState; moment: CommitStamp },
): ServerRecord {
  const target = targetKey(winner.definition)
  const carried = probed ?? (before?.target === target ? before.probed : undefined)
  const { status, ...health } = verdict(winner, target, carried, before, moment)
  const { definition, stored } = winner
  const version = definition.version ?? carried?.version
  const server: Server = {
    id: winner.id,
    ...definition,
    ...(version !== undefined && { version }),
    capabilities: capabilitiesOf(winner, carried, before),
    status,
    health,
    source: winner.layer.name,
    origin: winner.origin,
    discovery_method: winner.layer.discovery_method,
    shadows: losers.map(({ layer, origin }) => ({ source: layer.name, origin })),
    stale: winner.stale,
    created_at: before?.server.created_at ?? stored?.created_at ?? moment.at,
    updated_at: before ? moment.at : (stored?.updated_at ?? moment.at),
    resource_version: stored?.resource_version ?? moment.version,
  }
  return {
    server,
    reach: winner.layer.reach,
    json: keptOnceAskedAgain(() => Buffer.from(JSON.stringify(redactServer(server)))),
    candidate: winner,
    losers,
    target,
    probed: carried,
  }
}

/**
 * Bytes that are kept from the second time on. Of a great many servers most are shown once, if ever, and what is kept of
 * each would be old by the time it is given up: 100 MB for 100,000, and a collection of the whole heap again and again.
 */
function keptOnceAskedAgain(make: () => Buffer): () => Buffer {
  let isAskedAgain = false
  let kept: Buffer | undefined
  return () => {
    if (kept) return kept
    const made = make()
    if (isAskedAgain) kept = made
    isAskedAgain = true
    return made
  }
}

/** Gives a row that nobody has seen yet the moment at which it becomes true. */
export function stampRecord(
  { server, candidate: { stored } }: ServerRecord,
  before: ServerRecord | undefined,
  { at, version }: CommitStamp,
): void {
  if (before) server.updated_at = at
  else if (!stored) server.created_at = server.updated_at = at
  if (!stored) server.resource_version = version
}

function verdict(
  winner: Candidate,
  target: string,
  probed: ProbedState | undefined,
  before: ServerRecord | undefined,
  { at }: CommitStamp,
): Health {
  const was = before?.server
  const since = (status: Health['status'], began = at) => (was?.status === status ? was.health.since : began)
  if (target === 'disabled') return { status: 'unknown', reason: 'disabled', since: since('unknown') }
  const found: Health | undefined = target === 'none' ? undefined : (probed?.health ?? { status: 'pending', since: at })
  const { reported } = winner
  const said: Health | undefined = reported && { ...reported, since: reported.since ?? at }
  if (!found && !said) return { status: 'unknown', reason: 'not_checkable', since: since('unknown') }
  const judged = found ? worst(found, said) : (said as Health)
  return {
    status: judged.status,
    since: since(judged.status, judged.since),
    ...(judged.reason && { reason: judged.reason }),
    ...(found?.protocol_version && { protocol_version: found.protocol_version }),
  }
}

/** The same array for as long as nothing in it changed, so that nobody has to look. */
function capabilitiesOf(
  { definition }: Candidate,
  probed: ProbedState | undefined,
  before: ServerRecord | undefined,
): Capability[] {
  const known = before?.candidate.definition.capabilities === definition.capabilities
  const same = known && before.probed?.capabilities === probed?.capabilities
  return same ? before.server.capabilities : union(definition.capabilities, probed?.capabilities)
}

/** Declared capabilities first; what the server said of itself fills in the rest. */
function union(declared: Capability[], introspected: readonly Capability[] | undefined): Capability[] {
  if (!introspected?.length) return declared
  const names = new Set(declared.map(({ name }) => name))
  return [...declared, ...introspected.filter(({ name }) => !names.has(name))]
}

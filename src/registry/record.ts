import { isDeepStrictEqual } from 'node:util'
import type { Capability } from '../model/capability.ts'
import type { RegisteredServer } from '../model/change.ts'
import { type Health, worseOf } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import { redactServer } from '../model/redaction/redact-server.ts'
import { type Override, type Server, type ServerDefinition, shownInterval } from '../model/server.ts'
import { isCommandKey, targetKey } from '../model/target.ts'
import type { Candidate } from './candidate.ts'
import type { DigestServer, ServerDigest } from './state-digest.ts'

/** What probes found at a target. Carried over to the next record while the target stays the same. */
export type ProbedState = {
  readonly health: Health
  readonly capabilities?: readonly Capability[] | undefined
  readonly version?: string | undefined
}

/** A server in the registry, with what its next state is computed from. */
export type ServerRecord = RegisteredServer & {
  readonly candidate: Candidate
  /** The shadowed candidates for the same id, best first. */
  readonly losers: readonly Candidate[]
  readonly target: string
  readonly probed: ProbedState | undefined
  /** Written again by a change of the key only. */
  digest: ServerDigest
}

/** The time of a commit, the `resource_version` of servers that no store versions, and the overrides and the digests at that time. */
export type CommitStamp = {
  readonly at: string
  readonly version: string
  readonly overrideOf?: ((id: ServerId) => Override | undefined) | undefined
  readonly digestOf: DigestServer
  /** Whether anything is probed; otherwise nothing waits for its first probe. Default: yes. */
  readonly isProbing?: (() => boolean) | undefined
}

/** The server that the winner of an id makes, computed from the record before it and from what probes found. */
export function createRecord(
  winner: Candidate,
  losers: readonly Candidate[],
  { before, probed, stamp }: { before: ServerRecord | undefined; probed?: ProbedState; stamp: CommitStamp },
): ServerRecord {
  const override = stamp.overrideOf?.(winner.id)
  const definition = overridden(winner.definition, override)
  const target = targetKey(definition, winner.layer.name)
  const carried = probed ?? (before?.target === target ? before.probed : undefined)
  const { status, ...health } = healthOf(winner, target, carried, before, stamp)
  const { stored } = winner
  const version = definition.version ?? carried?.version
  const server: Server = {
    id: winner.id,
    ...definition,
    health_check_interval: definition.health_check_interval ?? shownInterval,
    ...(version !== undefined && { version }),
    capabilities: capabilitiesOf(winner, carried, before),
    status,
    health,
    source: winner.layer.name,
    origin: winner.origin,
    discovery_method: winner.layer.discovery_method,
    shadows: losers.length > 0 ? losers.map(({ layer, origin }) => ({ source: layer.name, origin })) : noShadows,
    ...(override && { override }),
    stale: winner.stale,
    created_at: before?.server.created_at ?? stored?.created_at ?? stamp.at,
    updated_at: before ? stamp.at : (stored?.updated_at ?? stamp.at),
    resource_version: stored?.resource_version ?? stamp.version,
  }
  return {
    server,
    reach: winner.layer.reach,
    probeInterval: definition.health_check_interval,
    json: cachedJson(server),
    candidate: winner,
    losers: losers.length > 0 ? losers : noLosers,
    target,
    probed: carried,
    digest: stamp.digestOf({ server, candidate: winner, introspected: carried?.capabilities }, before),
  }
}

function overridden(definition: ServerDefinition, override: Override | undefined): ServerDefinition {
  if (!override || override.enabled === definition.enabled) return definition
  return { ...definition, enabled: override.enabled }
}

/**
 * The JSON of a server, cached from the second call on. Most servers of a large registry are shown at most once. Caching the
 * first call would hold 100 MB for 100,000 servers, old objects by the time they are freed, and cause repeated full collections.
 */
function cachedJson(server: Server): () => Buffer {
  let calledBefore = false
  let cached: Buffer | undefined
  return () => {
    if (cached) return cached
    const bytes = Buffer.from(JSON.stringify(redactServer(server)))
    if (calledBefore) cached = bytes
    calledBefore = true
    return bytes
  }
}

/** Restamps a record that was prepared ahead and not published, at the time of its commit. */
export function stampRecord(
  { server, candidate: { stored } }: ServerRecord,
  before: ServerRecord | undefined,
  { at, version }: CommitStamp,
): void {
  if (before) server.updated_at = at
  else if (!stored) server.created_at = server.updated_at = at
  if (!stored) server.resource_version = version
}

/** One list for all: most servers shadow nothing. */
const noShadows = Object.freeze([]) as unknown as Server['shadows']
const noLosers: readonly Candidate[] = []

/** The worse of what probes found and what the source reports; `since` stays for as long as the status does. */
function healthOf(
  winner: Candidate,
  target: string,
  probed: ProbedState | undefined,
  before: ServerRecord | undefined,
  { at, isProbing = () => true }: CommitStamp,
): Health {
  const previous = before?.server
  // The store's time is the same at every daemon, and after a restart.
  const begun = previous ? at : (winner.stored?.updated_at ?? at)
  const since = (status: Health['status'], start = begun) =>
    previous?.status === status ? previous.health.since : start
  if (target === 'disabled') return { status: 'unknown', reason: 'disabled', since: since('unknown') }
  // Most commands are never probed: one is unknown until it was.
  const isAwaited = !isCommandKey(target) && isProbing()
  const unprobed: Health | undefined = isAwaited ? { status: 'pending', since: at } : undefined
  const byProbe = target === 'none' ? undefined : (probed?.health ?? unprobed)
  const { reported } = winner
  const bySource: Health | undefined = reported && { ...reported, since: reported.since ?? at }
  if (!byProbe && !bySource) return { status: 'unknown', reason: 'not_checkable', since: since('unknown') }
  const health = byProbe ? worseOf(byProbe, bySource) : (bySource as Health)
  return {
    status: health.status,
    // Of a probe alone, its own time, which is the same at every daemon that shares it.
    since: bySource ? since(health.status, health.since) : health.since,
    ...(health.reason && { reason: health.reason }),
    ...(byProbe?.protocol_version && { protocol_version: byProbe.protocol_version }),
  }
}

/** The same array while its inputs are the same, so that later comparisons are by identity. */
function capabilitiesOf(
  { definition }: Candidate,
  probed: ProbedState | undefined,
  before: ServerRecord | undefined,
): Capability[] {
  const sameDeclared = before?.candidate.definition.capabilities === definition.capabilities
  const isSame = sameDeclared && before.probed?.capabilities === probed?.capabilities
  return isSame ? before.server.capabilities : mergeCapabilities(definition.capabilities, probed?.capabilities)
}

/**
 * Declared capabilities first, then the introspected ones of other names. A prompt and a tool may have one name; a declared
 * capability without a kind stands for a tool.
 */
function mergeCapabilities(declared: Capability[], introspected: readonly Capability[] | undefined): Capability[] {
  if (!introspected?.length) return declared
  const keyOf = ({ kind, name }: Capability) => `${kind === 'declared' ? 'tool' : kind} ${name}`
  const keys = new Set(declared.map(keyOf))
  return [...declared, ...introspected.filter((capability) => !keys.has(keyOf(capability)))]
}

/** Whether an observation leaves a server as the API shows it; its source may report something worse. */
export function isShownAlike(before: Server, now: Server): boolean {
  const isSame = before.version === now.version && before.capabilities === now.capabilities
  return isSame && before.status === now.status && isDeepStrictEqual(before.health, now.health)
}

/** Whether a probe found what the record holds already. */
export function isKnownAlready(
  probed: ProbedState | undefined,
  { health, capabilities, version }: ProbedState,
): boolean {
  if (!probed) return false
  if (probed.health.status !== health.status || probed.health.reason !== health.reason) return false
  if (probed.health.since !== health.since || probed.health.protocol_version !== health.protocol_version) return false
  if (version !== undefined && version !== probed.version) return false
  return capabilities === undefined || JSON.stringify(capabilities) === JSON.stringify(probed.capabilities ?? [])
}

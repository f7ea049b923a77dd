import { renewalTimes } from '../../cluster/config.ts'
import type { Principal } from '../../model/principal.ts'
import type { StoredMember } from '../../stores/member.ts'
import { createRoutes } from '../http/context.ts'
import { respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'

type ClusterPort = ApiPorts['cluster']

/** `GET /cluster`: the daemons on one database, and which of them leads. */
export function clusterApi({ cluster, store }: Pick<ApiPorts, 'cluster' | 'store'>) {
  const api = createRoutes()
  api.get('/cluster', (c) => respondJson(c, clusterView(cluster, store()?.lagMs, c.env.principal)))
  return api
}

function clusterView(cluster: ClusterPort, lagMs: number | undefined, principal: Principal) {
  const { settings, storeType, isShared } = cluster
  const { renewDeadline, retryPeriod } = renewalTimes(settings)
  const { members, readAt } = cluster.view()
  const leader = cluster.leader()
  const since = cluster.leaderSince()
  const sinceReadMs = performance.now() - readAt
  const self = cluster.self()
  const { byMember, unowned } = cluster.ownership()
  const takeover = cluster.lastTakeover()

  const viewOf = ({ id, build, address, schema, joined_ms, seen_ms }: StoredMember) => ({
    id,
    is_self: id === self.id,
    is_leader: id === leader,
    build,
    ...(schema > 0 && { schema }),
    // Where the daemons are is the business of those who run them.
    ...(address !== undefined && principal.role === 'admin' && !principal.namespaces && { address }),
    targets: byMember.get(id) ?? 0,
    joined_at: new Date(Date.now() - joined_ms - sinceReadMs).toISOString(),
    ...(isShared && { renewed_seconds_ago: tenths(seen_ms + sinceReadMs) }),
  })

  return {
    store: storeType,
    shared: isShared,
    id: self.id,
    is_member: cluster.isMember(),
    is_leader: leader === self.id,
    leader_election: settings.leader_election,
    leader: leader ?? null,
    ...(leader !== undefined && { leader_since: since }),
    members: members.map(viewOf),
    count: members.length,
    unowned_targets: unowned,
    ...(lagMs !== undefined && { lag_seconds: tenths(lagMs) }),
    ...(takeover && { last_takeover: takeover }),
    lease_duration: settings.lease_duration,
    renew_deadline: renewDeadline,
    retry_period: retryPeriod,
  }
}

/** Seconds with one decimal. */
const tenths = (ms: number) => Math.round(ms / 100) / 10

/** The part of `GET /health` about the members; absent where this daemon is alone. */
export function clusterHealth({ cluster, store }: Pick<ApiPorts, 'cluster' | 'store'>) {
  if (!cluster.isShared) return undefined
  const isMember = cluster.isMember()
  const lagMs = store()?.lagMs
  return {
    members: cluster.view().members.length,
    is_member: isMember,
    is_leader: isMember && cluster.leader() === cluster.self().id,
    owned_targets: cluster.ownership().own,
    ...(lagMs !== undefined && { lag_seconds: tenths(lagMs) }),
  }
}

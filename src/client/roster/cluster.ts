import type { RosterRequests } from './requests/roster-requests.ts'

/** A live daemon, as `GET /cluster` shows it. */
export type ClusterMember = {
  readonly id: string
  /** The daemon that answered. */
  readonly is_self: boolean
  readonly is_leader: boolean
  /** Its version of mcp-roster. */
  readonly build: string
  /** The schema version of the database that it knows. */
  readonly schema?: number
  /** Where other members reach it; for administrators. */
  readonly address?: string
  /** Targets that it probes, of those that the answering daemon knows. */
  readonly targets?: number
  readonly joined_at: string
  readonly renewed_seconds_ago?: number
}

/** The daemons that share one database. Without other daemons there is one member, which leads. */
export type ClusterStatus = {
  readonly store: 'memory' | 'sqlite' | 'postgres' | 'mysql'
  /** Several daemons may use the store. */
  readonly shared: boolean
  /** Id of the daemon that answered. */
  readonly id: string
  /** If not, it could not renew its membership in time: it names no members and no leader. */
  readonly is_member: boolean
  readonly is_leader: boolean
  readonly leader_election: boolean
  readonly leader: string | null
  /** When the daemon that answered saw it become the leader. */
  readonly leader_since?: string
  readonly members: readonly ClusterMember[]
  readonly count: number
  /** Known targets of which no live member has told a result. */
  readonly unowned_targets?: number
  /** Seconds since the answering daemon last read what others wrote; absent where it is alone. */
  readonly lag_seconds?: number
  /** When duties of the member `from` last went to others; `leader`: also those of the leader. */
  readonly last_takeover?: { readonly at: string; readonly from: string; readonly of: 'leader' | 'targets' }
  /** Seconds. */
  readonly lease_duration: number
  readonly renew_deadline: number
  readonly retry_period: number
}

export function createClusterRequests(http: Pick<RosterRequests, 'request'>) {
  /**
   * Reads which daemons share the database of this one, and which of them leads.
   *
   * @throws {RosterError} Status 404 where the daemon is older than this request, 0 where none answers.
   */
  function cluster({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<ClusterStatus> {
    return http.request('/cluster', { signal })
  }

  return { cluster }
}

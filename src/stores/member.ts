/** One term of a member. A write that only an owner or the leader may do is refused once that term is over. */
export type Fence = {
  readonly id: string
  /** Different for every term: a member that was declared dead begins a new one. */
  readonly incarnation: string
}

/** A daemon as it joins and renews. */
export type JoiningMember = Fence & {
  /** How long it is alive after its last renewal, in ms. */
  readonly lease_ms: number
  /** The version of mcp-roster that it runs. */
  readonly build: string
  /** Where other members reach it. */
  readonly address?: string | undefined
}

/** A live member. Ages are by the clock of the database. */
export type StoredMember = JoiningMember & {
  /** The schema version of the database that it knows. */
  readonly schema: number
  /** How long ago it joined and last renewed, in ms. */
  readonly joined_ms: number
  readonly seen_ms: number
}

/**
 * The daemons that share one store, each with one row. A member is alive while its last renewal is younger than its lease by the
 * clock of the database; every method says which members are.
 */
export type MemberTable = {
  /** Begins a term, and ends the one of an earlier member of the same id. Removes members that died long ago. */
  readonly join: (member: JoiningMember) => Promise<readonly StoredMember[]>
  /** Renews a term that is not over. Where it is, the caller is not among the members, and joins again with another incarnation. */
  readonly renew: (member: JoiningMember) => Promise<readonly StoredMember[]>
  /** Ends a term at once. */
  readonly leave: (fence: Fence) => Promise<void>
}

/** How long a dead member stays stored, in ms. */
export const deadMemberRetentionMs = 60_000

/** Maximum lengths in characters. */
export const maxMemberLengths = { id: 253, incarnation: 64, build: 64, address: 512 } as const

/** The term under which this daemon does what only one of the members may do; undefined while another does it, or none can. */
export type Duty = () => Fence | undefined

/** The duty of a daemon whose store no other one shares. */
export const alone: Duty = () => ({ id: 'alone', incarnation: 'alone' })

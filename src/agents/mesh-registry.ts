import type { Batch, Registered } from '../model/change.ts'
import type { Named } from '../model/query/matching.ts'
import type { ServerQuery } from '../model/query/query.ts'

/** What the mesh asks of the registry that its agents are part of. */
export type MeshRegistry = {
  readonly get: (id: string) => Registered | undefined
  readonly list: () => readonly Registered[]
  readonly select: (
    query: ServerQuery,
    isNamed?: Named,
  ) => {
    readonly total: number
    readonly page: readonly Registered[]
    readonly next?: string
  }
  readonly token: () => string
  readonly subscribe: (push: (batch: Batch) => void) => () => void
}

/** Whether a server of the registry is a registered agent. */
export function isAgent({ server }: Pick<Registered, 'server'>): boolean {
  return server.discovery_method === 'registered'
}

import type { Batch, RegisteredServer } from '../model/change.ts'
import type { NameTest } from '../model/query/matching.ts'
import type { ServerQuery } from '../model/query/query.ts'

/** The port to the registry: the operations that the mesh needs of it. */
export type MeshRegistry = {
  readonly get: (id: string) => RegisteredServer | undefined
  readonly list: () => readonly RegisteredServer[]
  readonly select: (
    query: ServerQuery,
    isNamed?: NameTest,
  ) => {
    readonly total: number
    readonly page: readonly RegisteredServer[]
    readonly next?: string
  }
  readonly token: () => string
  readonly subscribe: (push: (batch: Batch) => void) => () => void
}

/** Whether a server of the registry is a registered agent. */
export function isAgent({ server }: Pick<RegisteredServer, 'server'>): boolean {
  return server.discovery_method === 'registered'
}

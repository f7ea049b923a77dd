import { hash, randomUUID } from 'node:crypto'

export type InstanceId = ReturnType<typeof createInstanceId>

/** What a database that is not made before something is written to it calls itself. */
const unmade = 'empty'

/**
 * Which registry this is, to other rosters: what its database is, once that is known, so that a restart and the replicas
 * of one database are the same registry.
 */
export function createInstanceId({ epoch }: { epoch: () => string | undefined }) {
  let born: string | undefined

  function lasting(): string | undefined {
    const known = epoch()
    return known === undefined || known === unmade ? undefined : hash('sha256', known).slice(0, 32)
  }

  return {
    id: () => lasting() ?? (born ??= randomUUID()),
    /** What it was called before its database was known counts too. */
    isOwn: (instance: string) => instance === born || instance === lasting(),
  }
}

import type { Log } from '../log.ts'
import type { StoreConfig } from './config.ts'
import { openMemory } from './memory.ts'
import { type Store, StoreRefusal, StoreUnavailable } from './store.ts'

export type OpenOptions = {
  readonly log: Log
  /** The store was not asked for by name: where its place cannot be written, memory will do, with a warning. */
  readonly orMemory?: boolean
  /** Nothing is to be made: for commands that read a store. */
  readonly mustExist?: boolean
}

/**
 * Opens the store that the config names; drivers are loaded when they are used.
 *
 * Rejects with `StoreUnavailable` when it can't be reached or written, with `StoreRefusal` when it must not be touched or
 * turns us away. Neither repeats a secret.
 */
export async function openStore(
  config: StoreConfig,
  { log, orMemory = false, mustExist = false }: OpenOptions,
): Promise<Store> {
  try {
    return await open(config, log, mustExist)
  } catch (error) {
    if (!orMemory || !(error instanceof StoreUnavailable)) throw error
    log.warn({ reason: error.message }, 'nothing can be stored, registrations are kept in memory and lost at a restart')
    return openMemory({ log })
  }
}

async function open(config: StoreConfig, log: Log, mustExist: boolean): Promise<Store> {
  switch (config.type) {
    case 'memory':
      if (mustExist) throw new StoreRefusal('the configured store is memory: there is nothing of it outside the daemon')
      return openMemory({ log })
    case 'sqlite': {
      const { openSqlite } = await import('./sqlite/sqlite.ts')
      return openSqlite({ path: config.path, mustExist, log })
    }
    case 'postgres': {
      const { openPostgres } = await import('./postgres/postgres.ts')
      return openPostgres({ config, log })
    }
    case 'mysql': {
      const { openMysql } = await import('./mysql/mysql.ts')
      return openMysql({ config, log })
    }
    default:
      return config satisfies never
  }
}

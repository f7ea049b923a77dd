import type { Log } from '../log.ts'
import type { StoreConfig } from './config.ts'
import { openMemory } from './memory.ts'
import { type Store, StoreRefusal, StoreUnavailable } from './store.ts'

export type OpenOptions = {
  readonly log: Log
  /** Fall back to memory with a warning where the file cannot be written; for a store that the config does not name. */
  readonly orMemory?: boolean
  /** Says so where another daemon uses the same file. */
  readonly isDaemon?: boolean
  /** Do not create the store; for commands that read one. */
  readonly mustExist?: boolean
}

/**
 * Opens the store of the config; its driver is loaded on demand.
 *
 * Rejects with `StoreUnavailable` where the store cannot be reached or written, with `StoreRefusal` where it must not be
 * touched or denies access. Neither message holds a secret.
 */
export async function openStore(
  config: StoreConfig,
  { log, orMemory = false, mustExist = false, isDaemon = false }: OpenOptions,
): Promise<Store> {
  try {
    return await open(config, log, { mustExist, isDaemon })
  } catch (error) {
    if (!orMemory || !(error instanceof StoreUnavailable)) throw error
    log.warn({ reason: error.message }, 'store not writable; registrations are kept in memory until the next restart')
    return openMemory({ log })
  }
}

async function open(
  config: StoreConfig,
  log: Log,
  { mustExist, isDaemon }: { mustExist: boolean; isDaemon: boolean },
): Promise<Store> {
  switch (config.type) {
    case 'memory':
      if (mustExist) throw new StoreRefusal('the configured store is memory, which only the daemon can read')
      return openMemory({ log })
    case 'sqlite': {
      const { openSqlite } = await import('./sqlite/sqlite.ts')
      return openSqlite({ path: config.path, mustExist, isDaemon, log })
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

import { dirname } from 'node:path'
import type { LoadedConfig } from '../config/load.ts'
import { silent } from '../log.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { type Store, StoreRefusal, StoreUnavailable } from '../stores/store.ts'
import { CommandError, type Invocation, textOption } from './command.ts'

/** Options of every command that opens the store itself. */
export const storeOptions = { config: { type: 'string', short: 'c' } } as const

export const storeHelp = [
  ['-c, --config FILE', 'The config file that names the store (MCP_ROSTER_CONFIG, DATABASE_URL).'],
] as const satisfies readonly (readonly [string, string])[]

/**
 * Opens the store that the config names and runs `work` on it. A daemon may be running on the same store; it follows the changes.
 * Expected failures become a `CommandError`.
 */
export async function withStore<T>(
  invocation: Invocation,
  { mustExist }: { mustExist: boolean },
  work: (store: Store, loaded: LoadedConfig) => Promise<T>,
): Promise<T> {
  const { loadConfig } = await import('../config/load.ts')
  const { openStore } = await import('../stores/open.ts')
  const loaded = await loadConfig({ flags: { config: textOption(invocation, 'config') }, env: invocation.env })
  if (loaded.config.store.type === 'memory')
    throw new CommandError(
      'the config uses the store "memory", which exists only inside the daemon; configure sqlite, postgres or mysql',
    )
  return withOneLineErrors(async () => {
    await using store = await openStore(loaded.config.store, { log: silent, mustExist })
    return await work(store, loaded)
  })
}

/** Runs `work`; an error of a store or a file becomes a one-line `CommandError`. */
export async function withOneLineErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const text = storeErrorText(error)
    throw text === undefined ? error : new CommandError(redactText(text), { cause: error })
  }
}

function storeErrorText(error: unknown): string | undefined {
  if (error instanceof StoreRefusal || error instanceof StoreUnavailable) return error.message
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined
  const path = String(error.path).replace(/\.\d+\.unfinished$/, '')
  // A temporary file that cannot be created means that its folder is missing.
  if (error.code === 'ENOENT' && path !== error.path) return `${dirname(path)} does not exist`
  return `${path} ${reasons[String(error.code)] ?? `cannot be used (${String(error.code)})`}`
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'is not readable or writable by this user',
  EISDIR: 'is a directory',
  ENOTDIR: 'does not exist',
  EROFS: 'is not writable: the file system is read-only',
  ENOSPC: 'is not writable: the disk is full',
}

export function countOf(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : nouns}`
}

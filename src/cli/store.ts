import { dirname } from 'node:path'
import type { LoadedConfig } from '../config/load.ts'
import { silent } from '../log.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { type Store, StoreRefused, StoreUnavailable } from '../stores/store.ts'
import { CommandError, type Invocation, textOption } from './command.ts'

/** The option of every command that works on the store itself. */
export const storeOptions = { config: { type: 'string', short: 'c' } } as const

export const storeHelp = [
  ['-c, --config FILE', 'The config file that names the store (MCP_ROSTER_CONFIG, DATABASE_URL).'],
] as const satisfies readonly (readonly [string, string])[]

/**
 * Works on the store that the config names, beside a daemon that may be running on it; what is written there it sees by
 * itself. Whatever the store objects to is said in one line.
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
    throw new CommandError('the config keeps everything in memory: there is no store but inside the daemon')
  return plainly(async () => {
    await using store = await openStore(loaded.config.store, { log: silent, mustExist })
    return await work(store, loaded)
  })
}

/** Runs `work`; what a store or a file objects to becomes one line. */
export async function plainly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const objection = objectionIn(error)
    throw objection === undefined ? error : new CommandError(redactText(objection), { cause: error })
  }
}

function objectionIn(error: unknown): string | undefined {
  if (error instanceof StoreRefused || error instanceof StoreUnavailable) return error.message
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined
  const path = String(error.path).replace(/\.\d+\.unfinished$/, '')
  // What cannot be made is not missed, but the folder it was to be made in.
  if (error.code === 'ENOENT' && path !== error.path) return `${dirname(path)} is not there`
  return `${path} ${reasons[String(error.code)] ?? `cannot be used (${String(error.code)})`}`
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  EACCES: 'may not be read or written by this user',
  EISDIR: 'is a directory',
  ENOTDIR: 'is not there',
  EROFS: 'cannot be written: the file system is read-only',
  ENOSPC: 'cannot be written: the disk is full',
}

export function counted(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : nouns}`
}

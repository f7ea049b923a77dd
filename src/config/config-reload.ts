import type { ReloadResult } from '../api/ports.ts'
import type { RootLog } from '../log.ts'
import type { LoadedConfig } from './load.ts'

/** The last reload, or the start. */
export type LastReload = {
  readonly successful: boolean
  /** In ms since 1970. */
  readonly at: number
  readonly warnings: readonly string[]
  /** Why the config was not taken. */
  readonly reason?: string
}

/** Serializes reloads. An invalid config changes nothing and is reported. */
export function createReload({
  load,
  log,
  apply,
  onReload,
}: {
  load: () => Promise<LoadedConfig>
  log: RootLog
  /** Returns a warning for each setting that applies at the next start only. */
  apply: (next: LoadedConfig) => Promise<string[]>
  onReload: (result: ReloadResult) => void
}) {
  let last: LastReload = { successful: true, at: Date.now(), warnings: [] }
  let underway: Promise<ReloadResult> = Promise.resolve({ applied: true })

  async function once(): Promise<ReloadResult> {
    try {
      const next = await load()
      const warnings = [...next.warnings, ...(await apply(next))]
      last = { successful: true, at: Date.now(), warnings }
      log.info({ file: next.file }, 'config reloaded')
      for (const warning of warnings) log.warn({ warning }, 'config warning')
      return { applied: true, file: next.file, warnings }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      last = { successful: false, at: Date.now(), warnings: [], reason }
      log.error({ err: error }, 'config reload failed; the previous config stays in force')
      return { applied: false, reason }
    }
  }

  async function reloadOnce(): Promise<ReloadResult> {
    const result = await once()
    onReload(result)
    return result
  }

  return {
    now: () => (underway = underway.then(reloadOnce)),
    last: () => last,
  }
}

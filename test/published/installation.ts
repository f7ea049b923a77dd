import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Runtimes of published agents: the newest one, with its Rust core, and one of mid-2025. */
export const runtimes = ['3.8.0', '0.3.0'] as const
export type Runtime = (typeof runtimes)[number]

/** Requirements of a runtime, every package pinned with its hashes. */
export const requirementsOf = (runtime: Runtime) => join(import.meta.dirname, `requirements-${runtime}.txt`)

/** The virtual environment of a runtime, outside the checkout. Changed requirements make another one. */
export function environmentOf(runtime: Runtime): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const pins = hash('sha256', readFileSync(requirementsOf(runtime))).slice(0, 12)
  return join(cache, 'mcp-roster', 'published-agents', `${runtime}-${pins}`)
}

/** Written last: an environment without it is not complete. */
export const markerOf = (runtime: Runtime) => join(environmentOf(runtime), 'installed')

/** The Python of a runtime, or why its tests are skipped. */
export function pythonOf(runtime: Runtime): { python: string; skip: false } | { python: ''; skip: string } {
  const environment = environmentOf(runtime)
  if (existsSync(markerOf(runtime))) return { python: join(environment, 'bin', 'python'), skip: false }
  return { python: '', skip: `needs the agent runtime ${runtime}: node test/published/install.ts` }
}

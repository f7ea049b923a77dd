import { createDeadline } from '../../../flow/deadline.ts'
import type { Reason } from '../../../model/health.ts'
import type { Server } from '../../../model/server.ts'
import type { CommandLimits } from '../../config.ts'
import { listCapabilities } from '../listing.ts'
import { type McpModule, serverInfo } from '../mcp-client.ts'
import { elapsedMs, type PartialOutcome } from '../probe.ts'
import { startCommand } from './command-process.ts'
import { createCommandTransport } from './command-transport.ts'

/** Variables of the daemon that a command gets, besides those of its definition. */
const inheritedVariables =
  process.platform === 'win32'
    ? [
        'PATH',
        'PATHEXT',
        'SYSTEMROOT',
        'SYSTEMDRIVE',
        'COMSPEC',
        'USERPROFILE',
        'USERNAME',
        'APPDATA',
        'LOCALAPPDATA',
        'TEMP',
      ]
    : ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ']

/** Not the folder of the daemon, nor one in which others may write: programs read configs from where they start. */
const defaultFolder = process.platform === 'win32' ? (process.env['SYSTEMROOT'] ?? 'C:\\') : '/'

/**
 * Probes a command: starts it, initialises it, asks for what it lists, and ends it. Never more than `max_concurrency` at once;
 * the deadline begins when the command starts.
 */
export function createCommandProbe({
  now,
  limits,
  loadClient,
}: {
  now: () => number
  limits: () => CommandLimits
  loadClient: () => Promise<McpModule>
}) {
  const waiting: (() => void)[] = []
  let running = 0

  /** Resolves when there is room, or when the probe is cancelled. */
  async function enter(signal: AbortSignal): Promise<void> {
    while (running >= limits().max_concurrency && !signal.aborted) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    running += 1
  }

  function leave(): void {
    running -= 1
    for (const resume of waiting.splice(0)) resume()
  }

  return async function probeCommand(server: Server, signal: AbortSignal): Promise<PartialOutcome> {
    await enter(signal)
    try {
      if (signal.aborted) return { ok: false, reason: 'timeout' }
      return await probeOnce(server, signal)
    } finally {
      leave()
    }
  }

  async function probeOnce({ command = '', args = [], env = {}, cwd }: Server, signal: AbortSignal) {
    const mcp = await loadClient()
    const { timeout, max_memory_mb } = limits()
    const line = { command, args, env: { ...inherited(), ...env }, cwd: cwd ?? defaultFolder }
    using deadline = createDeadline(timeout * 1000, signal)
    const child = startCommand(line, { maxMemoryBytes: max_memory_mb * 1024 * 1024 })
    const transport = createCommandTransport(child)
    const client = new mcp.Client({ name: 'mcp-roster', version: '1' }, { versionNegotiation: { mode: 'legacy' } })
    const request = { signal: deadline.signal(), timeout: timeout * 1000 }
    const start = now()
    try {
      await client.connect(transport, request)
      const outcome = {
        ok: true,
        reason: 'ok',
        response_time_ms: elapsedMs(start, now()),
        ...serverInfo(client),
      } as const
      return { ...outcome, ...(await listCapabilities(client, request)) }
    } catch (error) {
      const isOver = deadline.abortReason() !== undefined
      return { ok: false, reason: reasonOf(error, { isOver, hasOnlyNoise: transport.hasOnlyNoise() }) }
    } finally {
      await client.close().catch(() => undefined)
      await child.end()
    }
  }
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    inheritedVariables.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function reasonOf(error: unknown, { isOver, hasOnlyNoise }: { isOver: boolean; hasOnlyNoise: boolean }): Reason {
  if (hasOnlyNoise) return 'not_mcp'
  if (isOver) return 'timeout'
  return error instanceof Error && error.name === 'ProtocolError' ? 'protocol' : 'command_failed'
}

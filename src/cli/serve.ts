import { flushCompileCache } from 'node:module'
import { ListenError } from '../api/http/listening/server.ts'
import { CertificateError } from '../api/http/listening/tls.ts'
import { type Flags, type LoadedConfig, loadConfig } from '../config/load.ts'
import { createLog, openDestination, type RootLog } from '../log.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { StoreRefused, StoreUnavailable } from '../stores/store.ts'
import { type Command, CommandError, type Invocation, type RunningDaemon, textOption } from './command.ts'

export const serve: Command = {
  summary: 'Run the daemon: find servers, check them, serve the list.',
  usage: '[DIR…] [--config FILE] [--host HOST] [--port PORT] [--log-level LEVEL]',
  options: {
    config: { type: 'string', short: 'c' },
    host: { type: 'string' },
    port: { type: 'string', short: 'p' },
    'log-level': { type: 'string' },
  },
  help: [
    ['DIR…', 'Directories, files or globs to watch instead of /etc/mcp and ~/.config/mcp.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG; default /etc/mcp-roster/config.yaml if it is there).'],
    ['--host HOST', 'Address to listen on (HOST; default localhost, in a container 0.0.0.0).'],
    ['-p, --port PORT', 'Port to listen on (PORT; default 8000).'],
    ['--log-level LEVEL', 'trace, debug, info, warn, error, fatal or silent (LOG_LEVEL; default info).'],
  ],
  async run(invocation) {
    const { env, terminal, signal } = invocation
    const flags = flagsOf(invocation)
    const reload = () => loadConfig({ flags, env })
    const loaded = await reload()
    const { level, format } = loaded.config.log
    await using destination = await openDestination({ format, terminal: terminal.tty, colour: terminal.colour })
    const log = createLog({ level, destination })
    for (const warning of loaded.warnings) log.warn({ warning }, 'config warning')
    for (const note of loaded.notes) log.debug({ note }, 'config note')

    const starting = started(invocation, { loaded, reload, log })
    // Before it has started: a signal that nobody listens to ends the process.
    invocation.onHangup(() => void reloaded(starting, log))
    await using daemon = await starting
    if (terminal.tty && format !== 'json') await welcome(invocation, daemon, loaded)
    // Written at a clean exit only, if nobody asks for it; and the next start is the quicker for it.
    setTimeout(flushCompileCache, 3000).unref()
    await aborted(signal)
    log.info('stopping')
    return 0
  },
}

function flagsOf(invocation: Invocation): Flags {
  return {
    config: textOption(invocation, 'config'),
    host: textOption(invocation, 'host'),
    port: textOption(invocation, 'port'),
    logLevel: textOption(invocation, 'log-level'),
    paths: invocation.positionals,
  }
}

async function started(
  { startDaemon }: Invocation,
  start: Parameters<Invocation['startDaemon']>[0],
): Promise<RunningDaemon> {
  try {
    return await startDaemon(start)
  } catch (error) {
    throw new CommandError(await whyNot(error, start.loaded), { cause: error })
  }
}

/** One line that says what is in the way, and what to do about it; throws what nobody expected. */
async function whyNot(error: unknown, { config }: LoadedConfig): Promise<string> {
  if (error instanceof ListenError) {
    const setting = error.port === config.metrics.port ? 'METRICS_PORT (metrics.port)' : '--port'
    return whyNotListening(error, setting)
  }
  if (error instanceof CertificateError) return error.message
  if (error instanceof StoreUnavailable)
    return `${redactText(error.message)}. Start it or mend its address (store in the config, DATABASE_URL), or leave both out to keep everything in a file.`
  if (error instanceof StoreRefused) return redactText(error.message)
  throw error
}

async function whyNotListening({ message, code, port }: ListenError, setting: string): Promise<string> {
  if (code === 'EADDRINUSE') {
    const { occupantOf } = await import('./occupant.ts')
    const occupant = occupantOf(port)
    return `${message}${occupant ? ` by ${occupant}` : ''}. Stop it, or choose another port with ${setting}.`
  }
  if (code === 'EACCES') return `${message}. Ports below 1024 need a privilege; choose another with ${setting}.`
  return `${redactText(message)}. Choose another address with --host.`
}

/** An invalid config never stops the daemon; it has said so itself. */
async function reloaded(starting: Promise<RunningDaemon>, log: RootLog): Promise<void> {
  try {
    const daemon = await starting
    await daemon.reload()
  } catch (error) {
    log.debug({ err: error }, 'reload on SIGHUP failed')
  }
}

async function welcome(
  { terminal, signal }: Invocation,
  daemon: RunningDaemon,
  { config, file }: LoadedConfig,
): Promise<void> {
  const { banner } = await import('./banner.ts')
  const { version } = await import('./help.ts')
  // What answers within a second is shown; what takes longer is not waited for.
  const patience = AbortSignal.any([signal, AbortSignal.timeout(1000)])
  await Promise.race([daemon.ready(), aborted(patience)])
  // Servers written by hand are there, whether the config says so or not.
  const paths = new Map([
    ['manual', byHand],
    ...config.sources.map((source) => [source.name, placeOf(source)] as const),
  ])
  terminal.out(
    banner({ version, url: daemon.url, sources: daemon.sources(), paths, config: file, colour: terminal.colour }),
  )
}

const byHand = 'POST /servers'

/** What a source looks at, for people. */
function placeOf(source: LoadedConfig['config']['sources'][number]): string {
  if (source.type === 'file') return (source.paths ?? []).join(', ')
  if (source.type === 'env') return source.variable
  if (source.type === 'http') return [source.url ?? [], source.urls ?? []].flat().map(redactText).join(', ')
  if (source.type === 'dns') return source.records.join(', ')
  if (source.type === 'roster') return redactText(source.url)
  if (source.type === 'agents') return 'POST /agents'
  return source.type === 'manual' ? byHand : ''
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

import { flushCompileCache } from 'node:module'
import { ListenError } from '../api/http/listening/server.ts'
import { CertificateError } from '../api/http/listening/tls.ts'
import { type Flags, type LoadedConfig, loadConfig } from '../config/load.ts'
import { createLog, openDestination, type RootLog } from '../log.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { StoreRefusal, StoreUnavailable } from '../stores/store.ts'
import { type Command, CommandError, type Invocation, type RunningDaemon, textOption } from './command.ts'

export const serve: Command = {
  summary: 'Run the daemon: find servers, probe them, serve the registry.',
  usage: '[DIR…] [--config FILE] [--host HOST] [--port PORT] [--log-level LEVEL]',
  options: {
    config: { type: 'string', short: 'c' },
    host: { type: 'string' },
    port: { type: 'string', short: 'p' },
    'log-level': { type: 'string' },
  },
  help: [
    ['DIR…', 'Directories, files or globs to watch instead of /etc/mcp and ~/.config/mcp.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG; default /etc/mcp-roster/config.yaml if it exists).'],
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

    const starting = start(invocation, { loaded, reload, log })
    // Registered before the start completes: without a listener, SIGHUP ends the process.
    invocation.onHangup(() => void reloadOnHangup(starting, log))
    await using daemon = await starting
    if (terminal.tty && format !== 'json') await welcome(invocation, daemon, loaded)
    // Node writes the compile cache at a clean exit only; an early flush speeds up the next start after a kill, too.
    setTimeout(flushCompileCache, 3000).unref()
    await aborted(signal)
    log.info('shutdown started')
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

async function start(
  { startDaemon }: Invocation,
  options: Parameters<Invocation['startDaemon']>[0],
): Promise<RunningDaemon> {
  try {
    return await startDaemon(options)
  } catch (error) {
    throw new CommandError(await startFailure(error, options.loaded), { cause: error })
  }
}

/** One line: why the start failed, and the remedy. Rethrows unexpected errors. */
async function startFailure(error: unknown, { config }: LoadedConfig): Promise<string> {
  if (error instanceof ListenError) {
    const setting = error.port === config.metrics.port ? 'METRICS_PORT (metrics.port)' : '--port'
    return listenFailure(error, setting)
  }
  if (error instanceof CertificateError) return error.message
  if (error instanceof StoreUnavailable)
    return `${redactText(error.message)}. Start the database or correct its address (store in the config, DATABASE_URL), or remove both to use a file.`
  if (error instanceof StoreRefusal) return redactText(error.message)
  throw error
}

async function listenFailure({ message, code, port }: ListenError, setting: string): Promise<string> {
  if (code === 'EADDRINUSE') {
    const { portOwner } = await import('./port-owner.ts')
    const owner = portOwner(port)
    return `${message}${owner ? ` by ${owner}` : ''}. Stop that process, or set another port with ${setting}.`
  }
  if (code === 'EACCES') return `${message}. Ports below 1024 need a privilege; set another port with ${setting}.`
  return `${redactText(message)}. Set another address with --host.`
}

/** An invalid config never stops the daemon, which logs the reason itself. */
async function reloadOnHangup(starting: Promise<RunningDaemon>, log: RootLog): Promise<void> {
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
  { config, file, isContained }: LoadedConfig,
): Promise<void> {
  const { banner } = await import('./banner.ts')
  const { version } = await import('./help.ts')
  // The banner waits at most one second for sources.
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(1000)])
  await Promise.race([daemon.ready(), aborted(deadline)])
  // The manual source exists even where the config does not list it.
  const paths = new Map([
    ['manual', manualPlace],
    ...config.sources.map((source) => [source.name, watchedPlace(source)] as const),
  ])
  terminal.out(
    banner({
      version,
      url: daemon.url,
      address: daemon.address,
      container: isContained,
      hasDashboard: config.ui.enabled,
      sources: daemon.sources(),
      paths,
      config: file,
      colour: terminal.colour,
    }),
  )
}

const manualPlace = 'POST /servers'

/** The place that a source watches, as shown in the banner. */
function watchedPlace(source: LoadedConfig['config']['sources'][number]): string {
  if (source.type === 'file') return (source.paths ?? []).join(', ')
  if (source.type === 'env') return source.variable
  if (source.type === 'http') return [source.url ?? [], source.urls ?? []].flat().map(redactText).join(', ')
  if (source.type === 'dns') return source.records.join(', ')
  if (source.type === 'roster') return redactText(source.url)
  if (source.type === 'agents') return 'POST /agents'
  return source.type === 'manual' ? manualPlace : ''
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

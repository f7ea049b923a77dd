import { once } from 'node:events'
import { isatty } from 'node:tty'
import { redactText } from '../model/redaction/redact-text.ts'
import type { Invocation, Terminal } from './command.ts'
import { run } from './run.ts'
import { catchSignals } from './signals.ts'

/** Maximum duration of a shutdown, in ms; the process exits with 0 then. */
const drainMs = 9500

/** Interval at which a daemon started by npm checks that npm's shell is alive, in ms. */
const shellCheckMs = 500

/** Runs the command line of this process; resolves with the exit code. */
export async function runProcess({ startDaemon }: Pick<Invocation, 'startDaemon'>): Promise<number> {
  const ending = new AbortController()
  let handleSignal: (name: NodeJS.Signals) => void = () => end(ending)
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => handleSignal(name))
  if (process.env['npm_lifecycle_event'] !== undefined) onOrphaned(() => handleSignal('SIGTERM'))
  process.on('uncaughtException', crash)
  process.stdout.on('error', endOfPipe)
  process.stderr.on('error', endOfPipe)
  return run(process.argv.slice(2), {
    env: process.env,
    terminal: terminalHere(),
    input: () => process.stdin,
    output: () => process.stdout,
    signal: ending.signal,
    onHangup: (reload) => void process.on('SIGHUP', reload),
    takeSignals(handle) {
      handleSignal = handle
      catchSignals(handle)
    },
    startDaemon,
  })
}

/** Begins the shutdown at the first signal; further ones have no effect. */
function end(ending: AbortController): void {
  if (ending.signal.aborted) return
  ending.abort()
  setTimeout(() => process.exit(0), drainMs).unref()
}

/**
 * Ends an orphaned daemon. npm runs scripts through a shell and sends SIGTERM to that shell only; the daemon would keep running
 * and hold the port.
 */
function onOrphaned(callback: () => void): void {
  const shell = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(timer)
    callback()
  }, shellCheckMs)
  timer.unref()
}

function crash(error: unknown): void {
  process.stderr.write(`${redactText(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`)
  process.exit(1)
}

/** A closed pipe is a success: `mcp-roster list | head`. */
function endOfPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}

function terminalHere(): Terminal {
  const { env, stdout, stderr } = process
  const tty = stdout.isTTY
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    drained: async (signal) => {
      if (stdout.writableNeedDrain) await once(stdout, 'drain', { signal }).catch(() => undefined) // shutdown
    },
    tty,
    colour: tty && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    columns: tty ? stdout.columns || 80 : Infinity,
    ask: isatty(0) && isatty(2) ? ask : undefined,
  }
}

async function ask(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises')
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await prompt.question(question)
  prompt.close()
  return /^\s*y(es)?\s*$/i.test(answer)
}

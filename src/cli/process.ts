import { once } from 'node:events'
import { redactText } from '../model/redaction/redact-text.ts'
import type { Invocation, Terminal } from './command.ts'
import { run } from './run.ts'

/** How long a daemon that was told to end may take over it. */
const drainMs = 9500

/** How often one that npm started looks whether npm's shell is still there. */
const shellMs = 500

/** Runs the command line of this very process; the number is the exit code. */
export async function runHere({ startDaemon }: Pick<Invocation, 'startDaemon'>): Promise<number> {
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => end(ending))
  if (process.env['npm_lifecycle_event'] !== undefined) onOrphaned(() => end(ending))
  process.on('uncaughtException', crash)
  process.stdout.on('error', endOfPipe)
  process.stderr.on('error', endOfPipe)
  return run(process.argv.slice(2), {
    env: process.env,
    terminal: terminalHere(),
    signal: ending.signal,
    onHangup: (reload) => void process.on('SIGHUP', reload),
    startDaemon,
  })
}

/** The first signal begins the end; further ones change nothing about it. */
function end(ending: AbortController): void {
  if (ending.signal.aborted) return
  ending.abort()
  setTimeout(() => process.exit(0), drainMs).unref()
}

/**
 * npm runs scripts by a shell and hands SIGTERM on to that, which dies of it and tells nobody: whom it started would go on
 * for ever, and hold the port.
 */
function onOrphaned(then: () => void): void {
  const shell = process.ppid
  const looking = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(looking)
    then()
  }, shellMs)
  looking.unref()
}

function crash(error: unknown): void {
  process.stderr.write(`${redactText(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`)
  process.exit(1)
}

/** `mcp-roster list | head` is no failure. */
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
    taken: async (signal) => {
      if (stdout.writableNeedDrain) await once(stdout, 'drain', { signal }).catch(() => undefined) // told to end
    },
    tty,
    colour: tty && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    columns: tty ? stdout.columns || 80 : Infinity,
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import type { AgentEvent } from '../client/agent/heartbeat-loop.ts'
import type { RosterError } from '../client/roster/error.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import type { AgentDefinition } from './agent-definition.ts'
import { type Command, type Invocation, textOption, UsageError } from './command.ts'
import { remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { escapeControls } from './text.ts'

/** Maximum duration of the withdrawal, in ms: the process has ended, and its caller waits. */
const leaveMs = 2000

/** Maximum duration of a request to the roster, in ms. */
const maxRequestMs = 10_000

/** Maximum duration of a check in ms, above that of its request. */
const maxCheckMs = 65_000

export const agent: Command = {
  summary: 'Register any process as an agent while it runs.',
  usage: 'run -f FILE [--url URL] -- COMMAND…',
  options: { ...remoteOptions, file: { type: 'string', short: 'f' }, quiet: { type: 'boolean', short: 'q' } },
  help: [
    ['-f, --file FILE', 'The definition of the agent, in YAML or JSON: id, endpoint, capabilities, health_url, …'],
    ['-- COMMAND…', 'What to run. It gets the signals and the input; its exit code is returned.'],
    ['-q, --quiet', 'Print nothing about the registration.'],
    ...remoteHelp,
  ],
  async run(invocation) {
    const [action, ...command] = invocation.positionals
    if (action !== 'run') throw new UsageError('agent needs "run": mcp-roster agent run -f agent.yaml -- COMMAND…')
    const file = textOption(invocation, 'file')
    if (file === undefined) throw new UsageError('agent run needs the definition of the agent: -f agent.yaml')
    const [program, ...args] = command
    if (program === undefined) throw new UsageError('agent run needs a command after "--"')
    const { readAgentDefinition } = await import('./agent-definition.ts')
    return attend(invocation, await readAgentDefinition(file, invocation.env), [program, ...args])
  },
}

/** Runs a command and keeps it registered while it lives. The roster never stops the command. */
async function attend(
  invocation: Invocation,
  definition: AgentDefinition,
  [program, ...args]: readonly [string, ...string[]],
): Promise<number> {
  const { createHeartbeatLoop } = await import('../client/agent/heartbeat-loop.ts')
  const ended = new AbortController()
  const loop = createHeartbeatLoop({
    // The loop repeats its requests by itself.
    requests: rosterOf(invocation, { breaker: false, timeoutMs: maxRequestMs }),
    registration: () => definition.registration,
    intervalMs: definition.intervalMs,
    check: definition.health && checkOf(definition.health),
    checkMs: maxCheckMs,
    onEvent: reporterOf(invocation, definition.registration.agent_id),
    signal: ended.signal,
  })
  // Before the process is there: from then on, no signal may end the sidecar.
  passSignals(invocation, (signal) => child.kill(signal))
  const child = spawn(program, args, { stdio: 'inherit' })
  const exited = exitCodeOf(child)
  child.once('spawn', () => void loop.start())
  try {
    return await exited
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? `no command "${program}"` : `"${program}" cannot be run: ${message}`
    invocation.terminal.err(`mcp-roster: ${escapeControls(reason)}\n`)
    return code === 'ENOENT' ? 127 : 126 // as shells say it
  } finally {
    ended.abort()
    await loop.leave(leaveMs)
  }
}

/** The exit code of a process; of one that a signal ended, 128 and the number of the signal. Rejects where it cannot start. */
function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

/** Passes signals on. A terminal sends Ctrl-C and Ctrl-\ to its whole process group: the command has them already. */
function passSignals({ takeSignals }: Invocation, pass: (signal: NodeJS.Signals) => void): void {
  takeSignals((signal) => {
    const isOfTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && isatty(0)
    if (!isOfTerminal) pass(signal)
  })
}

function checkOf({ url, timeoutMs }: NonNullable<AgentDefinition['health']>) {
  const { origin } = new URL(url)
  return async (signal: AbortSignal): Promise<boolean> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const response = await fetch(url, { signal: limit }).catch((error: Error & { cause?: NodeJS.ErrnoException }) => {
      throw new Error(`${origin} does not answer: ${error.cause?.code ?? error.message}`, { cause: error })
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`${origin} answered ${response.status}`)
    return true
  }
}

/** Prints what happens to the registration: each turn once, not each attempt. */
function reporterOf({ terminal, values, ...invocation }: Invocation, id: string) {
  const url = textOption({ values }, 'url') ?? (invocation.env['MCP_ROSTER_URL'] || 'http://localhost:8000')
  let lastFailure: string | undefined
  let wasRegistered = false

  const print = (text: string): void => {
    if (values['quiet'] !== true) terminal.err(`mcp-roster: agent ${escapeControls(redactText(`${id} ${text}`))}\n`)
  }

  function printFailure({ message }: RosterError): void {
    if (message !== lastFailure) print(`is not registered: ${message}; trying on`)
    lastFailure = message
  }

  return (event: AgentEvent): void => {
    switch (event.type) {
      case 'registered':
        lastFailure = undefined
        wasRegistered = true
        return print(`registered at ${new URL(url).origin}`)
      case 'disconnected':
        return printFailure(event.error)
      case 'suspended':
        return print(`is unwell: ${event.reason}`)
      case 'resumed':
        return print('is well again')
      case 'left':
        return event.error && wasRegistered ? print(`could not be withdrawn: ${event.error.message}`) : undefined
      case 'rewired':
        return
      default:
        return event satisfies never
    }
  }
}

import type { RosterEvent } from '../client/roster/event-batcher.ts'
import { shortId } from '../model/names.ts'
import type { Command, Invocation } from './command.ts'
import { outputFormat, outputOptions } from './output.ts'
import {
  orCommandError,
  commandError,
  filterHelp,
  filterOf,
  filterOptions,
  remoteHelp,
  remoteOptions,
  rosterOf,
} from './remote.ts'
import { eventLine } from './table.ts'
import { escapeControls } from './text.ts'

export const watch: Command = {
  summary: 'List the servers of a daemon, then print every change until interrupted.',
  usage: '[-o table|name|json] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...outputOptions, ...filterOptions, ...remoteOptions },
  optionsOnly: true,
  help: [
    ['-o, --output FORM', 'table (default), name, or json: one line for each event.'],
    ...filterHelp,
    ...remoteHelp,
  ],
  async run(invocation) {
    const form = outputFormat(invocation, ['table', 'name', 'json'])
    await orCommandError(follow(invocation, form))
    return 0
  },
}

/** Prints events. A daemon that is unreachable at the start is an error; one that goes away later is waited for. */
async function follow(invocation: Invocation, form: 'table' | 'name' | 'json'): Promise<void> {
  const { signal, terminal } = invocation
  let isConnected = false
  const events = rosterOf(invocation).watch({
    query: filterOf(invocation),
    signal,
    onPause(error, ms) {
      if (!isConnected) throw commandError(error)
      terminal.err(`${escapeControls(error.message)}; retry in ${Math.ceil(ms / 1000)} s\n`)
    },
  })
  for await (const event of events) {
    isConnected = true
    const line = lineFor(event, form, terminal)
    if (line === undefined) continue
    terminal.out(`${line}\n`)
    // Back-pressure: a slow reader slows this process, and the daemon cuts the watch at its byte budget.
    await terminal.drained(signal)
  }
}

function lineFor(
  event: RosterEvent,
  form: 'table' | 'name' | 'json',
  terminal: Pick<Invocation['terminal'], 'colour'>,
): string | undefined {
  if (form === 'json') return escapeControls(JSON.stringify(event))
  if (!('server' in event)) return undefined
  const { type, server } = event
  return form === 'name' ? `${type} ${escapeControls(shortId(server))}` : eventLine(type, server, terminal)
}

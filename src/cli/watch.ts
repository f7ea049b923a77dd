import type { RosterEvent } from '../client/picture.ts'
import { shortId } from '../model/names.ts'
import type { Command, Invocation } from './command.ts'
import { formOf, outputOptions } from './output.ts'
import {
  answered,
  commandError,
  filterHelp,
  filterOf,
  filterOptions,
  remoteHelp,
  remoteOptions,
  rosterOf,
} from './remote.ts'
import { eventLine } from './table.ts'
import { shown } from './text.ts'

export const watch: Command = {
  summary: 'Show the servers a daemon knows, then every change, until told to end.',
  usage: '[-o table|name|json] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...outputOptions, ...filterOptions, ...remoteOptions },
  optionsOnly: true,
  help: [
    ['-o, --output FORM', 'table (default), name, or json: one line for each event.'],
    ...filterHelp,
    ...remoteHelp,
  ],
  async run(invocation) {
    const form = formOf(invocation, ['table', 'name', 'json'])
    await answered(follow(invocation, form))
    return 0
  },
}

/** Prints what happens; a daemon that is not there at the start is an error, one that goes away is waited for. */
async function follow(invocation: Invocation, form: 'table' | 'name' | 'json'): Promise<void> {
  const { signal, terminal } = invocation
  let begun = false
  const events = rosterOf(invocation).watch({
    query: filterOf(invocation),
    signal,
    onPause(error, ms) {
      if (!begun) throw commandError(error)
      terminal.err(`${shown(error.message)}; trying again in ${Math.ceil(ms / 1000)} s\n`)
    },
  })
  for await (const event of events) {
    begun = true
    const line = lineFor(event, form, terminal)
    if (line === undefined) continue
    terminal.out(`${line}\n`)
    // Whoever reads slowly is waited for, by the daemon in the end: what it may hold is limited, what we do is not.
    await terminal.taken(signal)
  }
}

function lineFor(
  event: RosterEvent,
  form: 'table' | 'name' | 'json',
  terminal: Pick<Invocation['terminal'], 'colour'>,
): string | undefined {
  if (form === 'json') return shown(JSON.stringify(event))
  if (!('server' in event)) return undefined
  const { type, server } = event
  return form === 'name' ? `${type} ${shown(shortId(server))}` : eventLine(type, server, terminal)
}

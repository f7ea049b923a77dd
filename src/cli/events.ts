import type { EventQuery, JournalEvent } from '../client/roster/events.ts'
import { type Command, type Invocation, textOption, textOptions, UsageError } from './command.ts'
import { journalLine } from './event-line.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { commandError, orCommandError, remoteHelp, remoteOptions, rosterOf } from './remote.ts'
import { escapeControls } from './text.ts'

export const events: Command = {
  summary: 'List what happened to servers, agents and sources.',
  usage: '[-f] [--agent ID] [--server NAME] [--type TYPE] [--since TIME] [-o table|json]',
  options: {
    ...outputOptions,
    ...remoteOptions,
    follow: { type: 'boolean', short: 'f' },
    agent: { type: 'string' },
    server: { type: 'string' },
    function: { type: 'string' },
    namespace: { type: 'string', short: 'n', multiple: true },
    type: { type: 'string', multiple: true },
    source: { type: 'string', multiple: true },
    since: { type: 'string' },
    limit: { type: 'string' },
  },
  optionsOnly: true,
  help: [
    ['-f, --follow', 'Go on with each event as it happens, until interrupted.'],
    ['--agent ID', 'Events of this agent.'],
    ['--server NAME', 'Events of this server: NAMESPACE/NAME, or NAME in the namespace default.'],
    ['--function NAME', 'Events of this function of an agent.'],
    ['-n, --namespace NAME', 'Events of this namespace. Repeatable, as --type and --source: of any of them.'],
    ['--type TYPE', 'registered, unregistered, added, removed, changed, status, expired, recovered, rewired, …'],
    ['--source NAME', 'Events of this source.'],
    ['--since TIME', 'Events since a time (RFC 3339), or of the last 15m, 2h, 1d.'],
    ['--limit NUMBER', 'At most this many past events, the newest ones (default 50, at most 500).'],
    ['-o, --output FORM', 'table (default), or json; with -f one line for each event.'],
    ...remoteHelp,
  ],
  async run(invocation) {
    const { terminal } = invocation
    const form = outputFormat(invocation, ['table', 'json'])
    const query = queryOf(invocation)
    const list = await orCommandError(rosterOf(invocation).events(query, invocation))
    const isFollowing = invocation.values['follow'] === true
    if (form === 'json' && !isFollowing) {
      terminal.out(await render(list, form))
      return 0
    }
    const past = list.events.toReversed()
    terminal.out(past.map((event) => `${lineFor(event, form)}\n`).join(''))
    if (past.length === 0 && !isFollowing) terminal.err('No events found.\n')
    if (isFollowing) await orCommandError(follow(invocation, { ...query, limit: 500, after: list.last_id }, form))
    return 0
  },
}

function queryOf(invocation: Invocation): EventQuery {
  const limit = textOption(invocation, 'limit')
  if (limit !== undefined && !/^\d{1,6}$/.test(limit)) throw new UsageError('--limit must be a whole number')
  return {
    type: textOptions(invocation, 'type'),
    agent_id: textOption(invocation, 'agent'),
    server: textOption(invocation, 'server'),
    function_name: textOption(invocation, 'function'),
    namespace: textOptions(invocation, 'namespace'),
    source: textOptions(invocation, 'source'),
    since: textOption(invocation, 'since'),
    limit: limit === undefined ? undefined : Number(limit),
  }
}

async function follow(invocation: Invocation, query: EventQuery, form: 'table' | 'json'): Promise<void> {
  const { signal, terminal } = invocation
  const following = rosterOf(invocation).followEvents(query, {
    signal,
    onPause: (error, ms) =>
      terminal.err(`${escapeControls(commandError(error).message)}; retry in ${Math.ceil(ms / 1000)} s\n`),
  })
  for await (const event of following) {
    terminal.out(`${lineFor(event, form)}\n`)
    await terminal.drained(signal)
  }
}

function lineFor(event: JournalEvent, form: 'table' | 'json'): string {
  return form === 'json' ? escapeControls(JSON.stringify(event)) : journalLine(event)
}

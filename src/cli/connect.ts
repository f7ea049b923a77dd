import { settingsOf } from '../client/connect/fleet-options.ts'
import type { Server } from '../model/server.ts'
import { type Command, UsageError } from './command.ts'
import { credentialsHint, fleetHelp, fleetOptions, fleetOptionsOf, mayStart, serverOf } from './fleet.ts'
import { rosterOf } from './remote.ts'
import { escapeControls } from './text.ts'

export const connect: Command = {
  summary: 'Let a client that knows only standard input and output use a server.',
  usage: 'SERVER [--allow-stdio] [-H "NAME: VALUE"]… [-e NAME]…',
  options: fleetOptions,
  help: [
    ['SERVER', 'NAME or NAMESPACE/NAME, as "mcp-roster list" shows it. A client starts this command as its server.'],
    ...fleetHelp,
  ],
  async run(invocation) {
    const { positionals, terminal, signal } = invocation
    const [place, ...others] = positionals
    if (place === undefined || others.length > 0) throw new UsageError('connect takes one server')
    const roster = rosterOf(invocation)
    let server: Server = await serverOf(invocation, place)
    // Standard input belongs to the client, so there is no person to ask.
    if (!(await mayStart({ ...invocation, terminal: { ...terminal, ask: undefined } }, server))) return 1
    const say = (text: string) => terminal.err(`${escapeControls(`${place}: ${text}${credentialsHint(text)}`)}\n`)
    const [{ createTargets }, { bridgeToStdio }] = await Promise.all([
      import('../client/connect/connection/target.ts'),
      import('../client/connect/bridge/stdio-bridge.ts'),
    ])
    const settings = settingsOf(fleetOptionsOf(invocation))
    const targets = createTargets({
      settings,
      revealed: (one) => roster.get(one, { secrets: true, signal }),
      emit: ({ reason }) => say(reason),
    })
    let isFirst = true

    /** A server may have moved since; while the roster is away, it is where it was. */
    async function resolveTarget() {
      if (!isFirst) server = await roster.get(server, { signal }).catch(() => server)
      isFirst = false
      return targets.resolve(server)
    }

    await bridgeToStdio({
      resolveTarget,
      settings,
      input: invocation.input(),
      output: invocation.output(),
      signal,
      onEvent: say,
    })
    return 0
  },
}

import { type Command, textOption, UsageError } from './command.ts'
import { render } from './output.ts'
import { orCommandError, filterHelp, filterOf, filterOptions, remoteHelp, remoteOptions, rosterOf } from './remote.ts'

const clients = ['claude', 'cursor', 'vscode'] as const
const formats: readonly string[] = ['json', 'yaml', ...clients]

export const exportCommand: Command = {
  summary: 'Print the enabled servers as the config of an MCP client.',
  usage: '[--format claude|cursor|vscode|yaml|json] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...filterOptions, ...remoteOptions, format: { type: 'string', short: 'f', default: 'json' } },
  optionsOnly: true,
  help: [
    [
      '-f, --format FORM',
      'json (default) or yaml: servers by name. claude, cursor, vscode: the config of that client.',
    ],
    ...filterHelp,
    ...remoteHelp,
  ],
  async run(invocation) {
    const format = textOption(invocation, 'format') ?? 'json'
    if (!formats.includes(format)) throw new UsageError(`--format must be one of ${formats.join(', ')}`)
    const client = clients.find((one) => one === format)
    const { discover } = rosterOf(invocation)
    const query = filterOf(invocation)
    const body = await orCommandError<unknown>(
      client ? discover(client, query, invocation) : discover(undefined, query, invocation),
    )
    invocation.terminal.out(await render(body, format === 'yaml' ? 'yaml' : 'json'))
    return 0
  },
}

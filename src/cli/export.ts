import { type Command, textOption, UsageError } from './command.ts'
import { rendered } from './output.ts'
import { answered, filterHelp, filterOf, filterOptions, remoteHelp, remoteOptions, rosterOf } from './remote.ts'

const clients = ['claude', 'cursor', 'vscode'] as const
const forms: readonly string[] = ['json', 'yaml', ...clients]

export const exports: Command = {
  summary: 'Write the enabled servers as a config for a client.',
  usage: '[--format claude|cursor|vscode|yaml|json] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...filterOptions, ...remoteOptions, format: { type: 'string', short: 'f', default: 'json' } },
  optionsOnly: true,
  help: [
    ['-f, --format FORM', 'json (default) or yaml: servers by name; claude, cursor, vscode: what that client reads.'],
    ...filterHelp,
    ...remoteHelp,
  ],
  async run(invocation) {
    const format = textOption(invocation, 'format') ?? 'json'
    if (!forms.includes(format)) throw new UsageError(`--format must be one of ${forms.join(', ')}`)
    const client = clients.find((one) => one === format)
    const { discover } = rosterOf(invocation)
    const query = filterOf(invocation)
    const body = await answered<unknown>(
      client ? discover(client, query, invocation) : discover(undefined, query, invocation),
    )
    invocation.terminal.out(await rendered(body, format === 'yaml' ? 'yaml' : 'json'))
    return 0
  },
}

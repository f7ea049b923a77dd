import { type Command, textOf, UsageError } from './command.ts'
import { rendered } from './output.ts'
import { ask, bodyOf, filterHelp, filterOf, filterOptions, remoteHelp, remoteOptions } from './remote.ts'

const forms = ['json', 'yaml', 'claude', 'cursor', 'vscode']

export const exports: Command = {
  summary: 'Write the enabled servers as a config for a client.',
  usage: '[--format claude|cursor|vscode|yaml|json] [-n NAMESPACE] [-l SELECTOR] [--tag TAG]…',
  options: { ...filterOptions, ...remoteOptions, format: { type: 'string', short: 'f', default: 'json' } },
  help: [
    ['-f, --format FORM', 'json (default) or yaml: servers by name; claude, cursor, vscode: what that client reads.'],
    ...filterHelp,
    ...remoteHelp,
  ],
  async run(invocation) {
    const format = textOf(invocation, 'format') ?? 'json'
    if (!forms.includes(format)) throw new UsageError(`--format must be one of ${forms.join(', ')}`)
    const parameters = filterOf(invocation)
    if (format !== 'json' && format !== 'yaml') parameters.set('format', format)
    const body = bodyOf(await ask(invocation, '/discover', parameters))
    invocation.terminal.out(await rendered(body, format === 'yaml' ? 'yaml' : 'json'))
    return 0
  },
}

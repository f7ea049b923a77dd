import { type Command, textOption, UsageError } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { findServer, orCommandError, remoteHelp, remoteOptions } from './remote.ts'

export const get: Command = {
  summary: 'Show one server in full.',
  usage: '[NAMESPACE/]NAME [-o yaml|json] [-n NAMESPACE]',
  options: { ...outputOptions, ...remoteOptions, namespace: { type: 'string', short: 'n' } },
  help: [
    ['-o, --output FORM', 'yaml (default) or json.'],
    ['-n, --namespace NAME', 'The namespace of the server (default: default).'],
    ...remoteHelp,
  ],
  async run(invocation) {
    const [name, ...more] = invocation.positionals
    if (name === undefined || more.length > 0) throw new UsageError('get needs the name of exactly one server')
    const form = outputFormat(invocation, ['yaml', 'json'])
    invocation.terminal.out(
      await render(await orCommandError(findServer(invocation, name, textOption(invocation, 'namespace'))), form),
    )
    return 0
  },
}

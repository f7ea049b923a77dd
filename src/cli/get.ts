import { RosterError } from '../client/roster/error.ts'
import type { ServerDetails } from '../client/roster/roster.ts'
import { defaultNamespace } from '../model/names.ts'
import { type Command, type Invocation, textOption, UsageError } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { orCommandError, remoteHelp, remoteOptions, rosterOf } from './remote.ts'

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
    invocation.terminal.out(await render(await orCommandError(findServer(invocation, name)), form))
    return 0
  },
}

/** Names may contain a slash: `a/b` is tried as a name first, then as `b` in the namespace `a`. */
async function findServer(invocation: Invocation, name: string): Promise<ServerDetails> {
  const roster = rosterOf(invocation)
  const namespace = textOption(invocation, 'namespace')
  const slash = name.indexOf('/')
  try {
    return await roster.get({ namespace: namespace ?? defaultNamespace, name }, invocation)
  } catch (error) {
    if (!isNotFound(error) || namespace !== undefined || slash < 0) throw error
    const other = { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
    return roster.get(other, invocation).catch((second: unknown) => {
      throw isNotFound(second) ? error : second
    })
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof RosterError && error.status === 404
}

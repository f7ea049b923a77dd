import type { ServerDetails } from '../client/connect.ts'
import { RosterError } from '../client/error.ts'
import { defaultNamespace } from '../model/names.ts'
import { type Command, type Invocation, textOption, UsageError } from './command.ts'
import { formOf, outputOptions, rendered } from './output.ts'
import { answered, remoteHelp, remoteOptions, rosterOf } from './remote.ts'

export const get: Command = {
  summary: 'Show one server with all that is known of it.',
  usage: '[NAMESPACE/]NAME [-o yaml|json] [-n NAMESPACE]',
  options: { ...outputOptions, ...remoteOptions, namespace: { type: 'string', short: 'n' } },
  help: [
    ['-o, --output FORM', 'yaml (default) or json.'],
    ['-n, --namespace NAME', 'The namespace it is in (default).'],
    ...remoteHelp,
  ],
  async run(invocation) {
    const [name, ...more] = invocation.positionals
    if (name === undefined || more.length > 0) throw new UsageError('get takes the name of one server')
    const form = formOf(invocation, ['yaml', 'json'])
    invocation.terminal.out(await rendered(await answered(found(invocation, name)), form))
    return 0
  },
}

/** Names may hold a slash themselves, so `a/b` is a name first and `b` in the namespace `a` then. */
async function found(invocation: Invocation, name: string): Promise<ServerDetails> {
  const roster = rosterOf(invocation)
  const namespace = textOption(invocation, 'namespace')
  const slash = name.indexOf('/')
  try {
    return await roster.get({ namespace: namespace ?? defaultNamespace, name }, invocation)
  } catch (error) {
    if (!isUnknown(error) || namespace !== undefined || slash < 0) throw error
    const other = { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
    return roster.get(other, invocation).catch((second: unknown) => {
      throw isUnknown(second) ? error : second
    })
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof RosterError && error.status === 404
}

import { defaultNamespace } from '../model/names.ts'
import { type Command, type Invocation, textOf, UsageError } from './command.ts'
import { formOf, outputOptions, rendered } from './output.ts'
import { type Answer, ask, bodyOf, remoteHelp, remoteOptions } from './remote.ts'

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
    invocation.terminal.out(await rendered(bodyOf(await answerFor(invocation, name)), form))
    return 0
  },
}

/** Names may hold a slash themselves, so `a/b` is a name first and `b` in the namespace `a` then. */
async function answerFor(invocation: Invocation, name: string): Promise<Answer> {
  const namespace = textOf(invocation, 'namespace')
  const first = await ask(invocation, pathOf(namespace ?? defaultNamespace, name))
  const slash = name.indexOf('/')
  if (first.status !== 404 || namespace !== undefined || slash < 0) return first
  const second = await ask(invocation, pathOf(name.slice(0, slash), name.slice(slash + 1)))
  return second.status === 404 ? first : second
}

function pathOf(namespace: string, name: string): string {
  return `/servers/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}

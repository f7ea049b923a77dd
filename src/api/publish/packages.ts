import { redactedText } from '../../model/redaction/secrets.ts'
import type { Server } from '../../model/server.ts'
import { type Input, templateInputs, isTemplate, template } from './inputs.ts'

/** A program as `server.json` tells it. */
export type Package = {
  readonly registryType: 'npm' | 'pypi' | 'oci' | 'nuget'
  readonly identifier: string
  readonly version?: string
  readonly runtimeHint: string
  readonly transport: { readonly type: 'stdio' }
  readonly runtimeArguments?: readonly Argument[]
  readonly packageArguments?: readonly Argument[]
  readonly environmentVariables?: readonly Input[]
}

type Argument = Input & { readonly type: 'positional' }

/** How a runner's own arguments look before the package, and how the package is written. */
type Runner = {
  readonly registryType: Package['registryType']
  /** Flags that take a word of their own. */
  readonly taking: RegExp
  /** Words before the package that belong to every call and are not told. */
  readonly usual: readonly string[]
  readonly mark: '@' | ':'
}

const runners: Readonly<Record<string, Runner>> = {
  npx: { registryType: 'npm', taking: /^(-p|--package|-c|--call)$/, usual: ['-y', '--yes'], mark: '@' },
  bunx: { registryType: 'npm', taking: /^(-p|--package)$/, usual: ['--bun'], mark: '@' },
  uvx: { registryType: 'pypi', taking: /^(--from|--with|--python|-p|--index|--index-url)$/, usual: [], mark: '@' },
  dnx: { registryType: 'nuget', taking: /^(--source|--version|--framework)$/, usual: ['--yes', '-y'], mark: '@' },
  docker: {
    registryType: 'oci',
    taking:
      /^(-e|--env|--env-file|-v|--volume|-p|--publish|--network|--name|-u|--user|-w|--workdir|--mount|-l|--label)$/,
    usual: ['run', '-i', '--rm', '-t', '-it', '--init', '--interactive'],
    mark: ':',
  },
}

/** The package that a command runs, where it is run by one of the usual runners; the server comes redacted. */
export function packageOf({ command, args = [], env }: Pick<Server, 'command' | 'args' | 'env'>): Package | undefined {
  const hint = (command ?? '').replace(/^.*\//, '').replace(/\.(cmd|exe)$/i, '')
  const runner = Object.hasOwn(runners, hint) ? runners[hint] : undefined
  if (!runner || (hint === 'docker' && args[0] !== 'run')) return undefined
  const { before, spelled, after } = split(args, runner)
  if (spelled === undefined || isTemplate(spelled)) return undefined
  const { identifier, version } = identify(spelled, runner.mark)
  const variables = templateInputs(env)
  return {
    registryType: runner.registryType,
    identifier,
    ...(version !== undefined && version !== 'latest' && { version }),
    runtimeHint: hint,
    transport: { type: 'stdio' },
    ...(before.length > 0 && { runtimeArguments: before.map(argument) }),
    ...(after.length > 0 && { packageArguments: after.map(argument) }),
    ...(variables.length > 0 && { environmentVariables: variables }),
  }
}

function split(args: readonly string[], { taking, usual }: Runner) {
  const before: string[] = []
  let index = 0
  for (; index < args.length; index += 1) {
    const word = args[index] ?? ''
    if (usual.includes(word)) continue
    if (!word.startsWith('-')) break
    before.push(word)
    if (taking.test(word)) before.push(args[(index += 1)] ?? '')
  }
  return { before, spelled: args[index], after: args.slice(index + 1).filter((word) => word !== '--yes') }
}

/** `@scope/pkg@1.2` is version 1.2 of `@scope/pkg`; an image keeps its tag. */
function identify(spelled: string, mark: Runner['mark']): { identifier: string; version?: string } {
  if (mark === ':') return { identifier: spelled }
  const at = spelled.lastIndexOf('@')
  return at > 0 ? { identifier: spelled.slice(0, at), version: spelled.slice(at + 1) } : { identifier: spelled }
}

function argument(word: string): Argument {
  if (word === redactedText) return { type: 'positional', valueHint: 'secret', isRequired: true, isSecret: true }
  return { type: 'positional', ...(isTemplate(word) ? template(word, 'secret') : { value: word }) }
}

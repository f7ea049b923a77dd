import { redactedText } from '../../model/redaction/secrets.ts'
import type { Server } from '../../model/server.ts'
import { type Input, isTemplate, templateInputs, toTemplate } from './inputs.ts'

/** A package as in `server.json`. */
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

/** The command line of a package runner. */
type Runner = {
  readonly registryType: Package['registryType']
  /** Flags followed by a value. */
  readonly valueFlags: RegExp
  /** Arguments of every call, which the card omits. */
  readonly impliedArguments: readonly string[]
  /** Separates the package from its version; `:` stays in the identifier, as the tag of an image. */
  readonly separator: '@' | ':'
}

const runners: Readonly<Record<string, Runner>> = {
  npx: {
    registryType: 'npm',
    valueFlags: /^(-p|--package|-c|--call)$/,
    impliedArguments: ['-y', '--yes'],
    separator: '@',
  },
  bunx: { registryType: 'npm', valueFlags: /^(-p|--package)$/, impliedArguments: ['--bun'], separator: '@' },
  uvx: {
    registryType: 'pypi',
    valueFlags: /^(--from|--with|--python|-p|--index|--index-url)$/,
    impliedArguments: [],
    separator: '@',
  },
  dnx: {
    registryType: 'nuget',
    valueFlags: /^(--source|--version|--framework)$/,
    impliedArguments: ['--yes', '-y'],
    separator: '@',
  },
  docker: {
    registryType: 'oci',
    valueFlags:
      /^(-e|--env|--env-file|-v|--volume|-p|--publish|--network|--name|-u|--user|-w|--workdir|--mount|-l|--label)$/,
    impliedArguments: ['run', '-i', '--rm', '-t', '-it', '--init', '--interactive'],
    separator: ':',
  },
}

/** The package of a redacted command, where a known runner runs it. */
export function packageOf({ command, args = [], env }: Pick<Server, 'command' | 'args' | 'env'>): Package | undefined {
  const hint = (command ?? '').replace(/^.*\//, '').replace(/\.(cmd|exe)$/i, '')
  const runner = Object.hasOwn(runners, hint) ? runners[hint] : undefined
  if (!runner || (hint === 'docker' && args[0] !== 'run')) return undefined
  const { before, specifier, after } = splitArguments(args, runner)
  if (specifier === undefined || isTemplate(specifier)) return undefined
  const { identifier, version } = parseSpecifier(specifier, runner.separator)
  const variables = templateInputs(env)
  return {
    registryType: runner.registryType,
    identifier,
    ...(version !== undefined && version !== 'latest' && { version }),
    runtimeHint: hint,
    transport: { type: 'stdio' },
    ...(before.length > 0 && { runtimeArguments: before.map(toArgument) }),
    ...(after.length > 0 && { packageArguments: after.map(toArgument) }),
    ...(variables.length > 0 && { environmentVariables: variables }),
  }
}

/** Splits at the package: the arguments of the runner before it, those of the server after it. */
function splitArguments(args: readonly string[], { valueFlags, impliedArguments }: Runner) {
  const before: string[] = []
  let index = 0
  for (; index < args.length; index += 1) {
    const word = args[index] ?? ''
    if (impliedArguments.includes(word)) continue
    if (!word.startsWith('-')) break
    before.push(word)
    if (valueFlags.test(word)) before.push(args[(index += 1)] ?? '')
  }
  return { before, specifier: args[index], after: args.slice(index + 1).filter((word) => word !== '--yes') }
}

/** `@scope/pkg@1.2` is version 1.2 of `@scope/pkg`. */
function parseSpecifier(specifier: string, separator: Runner['separator']): { identifier: string; version?: string } {
  if (separator === ':') return { identifier: specifier }
  const at = specifier.lastIndexOf('@')
  return at > 0 ? { identifier: specifier.slice(0, at), version: specifier.slice(at + 1) } : { identifier: specifier }
}

function toArgument(word: string): Argument {
  if (word === redactedText) return { type: 'positional', valueHint: 'secret', isRequired: true, isSecret: true }
  return { type: 'positional', ...(isTemplate(word) ? toTemplate(word, 'secret') : { value: word }) }
}

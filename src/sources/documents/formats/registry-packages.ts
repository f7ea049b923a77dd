import { isFields } from '../entry.ts'

export type JsonFields = Record<string, unknown>

/** The command that starts a package of each registry, in order of preference. */
const runners: Readonly<
  Record<string, (parts: PackageParts) => { readonly command: string; readonly args: readonly string[] }>
> = {
  npm: ({ hint, id, version, before, after }) => ({
    command: hint ?? 'npx',
    args: [
      ...(hint === undefined || hint === 'npx' ? withFlag('-y', before) : before),
      withVersion(id, '@', version),
      ...after,
    ],
  }),
  pypi: ({ hint, id, version, before, after }) => ({
    command: hint ?? 'uvx',
    args: [...before, withVersion(id, '@', version), ...after],
  }),
  oci: ({ hint, id, version, env, before, after }) => ({
    command: hint ?? 'docker',
    args: [
      'run',
      '-i',
      '--rm',
      ...before,
      ...Object.keys(env).flatMap((name) => ['-e', name]),
      imageReference(id, version),
      ...after,
    ],
  }),
  nuget: ({ hint, id, version, before, after }) => ({
    command: hint ?? 'dnx',
    args: [...before, withVersion(id, '@', version), '--yes', ...(after.length > 0 ? ['--', ...after] : [])],
  }),
}

type PackageParts = {
  readonly id: string
  readonly version: string | undefined
  readonly hint: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** The command of the preferred package that speaks stdio; undefined when there is none. */
export function packageCommand(card: Readonly<JsonFields>): JsonFields | undefined {
  const packages = (Array.isArray(card['packages']) ? card['packages'] : []).filter(isFields)
  for (const kind of Object.keys(runners)) {
    const item = packages.find((candidate) => registryOf(candidate) === kind && speaksStdio(candidate))
    const id = item && (textIn(item, 'identifier') ?? textIn(item, 'name'))
    if (!item || id === undefined) continue
    const env = packageInputs(item['environmentVariables'] ?? item['environment_variables'])
    const { command, args } = runners[kind]!({
      id,
      env,
      version: textIn(item, 'version'),
      hint: textIn(item, 'runtimeHint') ?? textIn(item, 'runtime_hint'),
      before: toCommandLine(item['runtimeArguments'] ?? item['runtime_arguments']),
      after: toCommandLine(item['packageArguments'] ?? item['package_arguments']),
    })
    return { type: 'stdio', command, args, ...(Object.keys(env).length > 0 && { env }) }
  }
  return undefined
}

function registryOf(item: Readonly<JsonFields>): string | undefined {
  const kind = textIn(item, 'registryType') ?? textIn(item, 'registry_type') ?? textIn(item, 'registry_name')
  return kind === 'docker' ? 'oci' : kind
}

function speaksStdio(item: Readonly<JsonFields>): boolean {
  return (textIn(jsonFieldsIn(item, 'transport'), 'type') ?? 'stdio') === 'stdio'
}

function withFlag(flag: string, args: readonly string[]): readonly string[] {
  return args.includes(flag) || args.includes('--yes') ? args : [flag, ...args]
}

function withVersion(id: string, separator: string, version: string | undefined): string {
  return version === undefined || version === '' || version === 'latest' ? id : `${id}${separator}${version}`
}

/** An image that already names a tag or a digest stays as it is. */
function imageReference(id: string, version: string | undefined): string {
  return /[@:]/.test(id.slice(id.lastIndexOf('/') + 1)) ? id : withVersion(id, ':', version)
}

/**
 * The words of a command line, `--name value` for a named argument. An input that a person must give becomes a
 * placeholder; an optional argument without a value is left out.
 */
function toCommandLine(inputList: unknown): string[] {
  const args = Array.isArray(inputList) ? inputList.filter(isFields) : []
  return args.flatMap((argument) => {
    const value = inputValue(argument, textIn(argument, 'valueHint') ?? textIn(argument, 'name') ?? 'value')
    if (argument['type'] !== 'named') return value ?? []
    const name = textIn(argument, 'name')
    if (name === undefined) return []
    if (value !== undefined) return [name, value]
    return argument['format'] === 'boolean' || argument['isRequired'] === true ? [name] : []
  })
}

/** Headers or environment variables as a map; a required input without a value becomes a placeholder. */
export function packageInputs(inputList: unknown): Record<string, string> {
  const inputs: Record<string, string> = {}
  for (const input of Array.isArray(inputList) ? inputList.filter(isFields) : []) {
    const name = textIn(input, 'name')
    const value = name === undefined ? undefined : inputValue(input, name)
    if (name !== undefined && value !== undefined && name !== '__proto__') inputs[name] = value
  }
  return inputs
}

function inputValue(input: Readonly<JsonFields>, name: string): string | undefined {
  const value = textIn(input, 'value') ?? textIn(input, 'default')
  if (value !== undefined) return fillVariables(value, input['variables'])
  return input['isRequired'] === true || input['is_required'] === true ? placeholder(name) : undefined
}

/** Replaces `{variable}` by its value or default; a variable that a person must give becomes `${variable}`. */
export function fillVariables(text: string, variables: unknown): string {
  return text.replaceAll(/(?<!\$)\{([A-Za-z_][\w-]*)\}/g, (whole, name: string) => {
    const variable = isFields(variables) ? variables[name] : undefined
    if (!isFields(variable)) return placeholder(name)
    return textIn(variable, 'value') ?? textIn(variable, 'default') ?? placeholder(name)
  })
}

function placeholder(name: string): string {
  return `\${${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}}`
}

export function textIn(fields: unknown, key: string): string | undefined {
  const value = isFields(fields) ? fields[key] : undefined
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? value : undefined
}

export function jsonFieldsIn(fields: unknown, key: string): JsonFields {
  const value = isFields(fields) ? fields[key] : undefined
  return isFields(value) ? value : {}
}

import { isFields } from '../entry.ts'

export type JsonFields = Record<string, unknown>

/** How the packages of each registry are started; the first that fits is taken. */
const runners: Readonly<
  Record<string, (parts: Parts) => { readonly command: string; readonly args: readonly string[] }>
> = {
  npm: ({ hint, id, version, before, after }) => ({
    command: hint ?? 'npx',
    args: [...(hint === undefined || hint === 'npx' ? withFlag('-y', before) : before), at(id, '@', version), ...after],
  }),
  pypi: ({ hint, id, version, before, after }) => ({
    command: hint ?? 'uvx',
    args: [...before, at(id, '@', version), ...after],
  }),
  oci: ({ hint, id, version, env, before, after }) => ({
    command: hint ?? 'docker',
    args: [
      'run',
      '-i',
      '--rm',
      ...before,
      ...Object.keys(env).flatMap((name) => ['-e', name]),
      image(id, version),
      ...after,
    ],
  }),
  nuget: ({ hint, id, version, before, after }) => ({
    command: hint ?? 'dnx',
    args: [...before, at(id, '@', version), '--yes', ...(after.length > 0 ? ['--', ...after] : [])],
  }),
}

type Parts = {
  readonly id: string
  readonly version: string | undefined
  readonly hint: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** The command that runs the first package of a server that speaks stdio; undefined when there is none. */
export function packageCommand(card: Readonly<JsonFields>): JsonFields | undefined {
  const packages = (Array.isArray(card['packages']) ? card['packages'] : []).filter(isFields)
  for (const kind of Object.keys(runners)) {
    const found = packages.find((one) => kindOf(one) === kind && speaksStdio(one))
    const id = found && (textIn(found, 'identifier') ?? textIn(found, 'name'))
    if (!found || id === undefined) continue
    const env = packageInputs(found['environmentVariables'] ?? found['environment_variables'])
    const { command, args } = runners[kind]!({
      id,
      env,
      version: textIn(found, 'version'),
      hint: textIn(found, 'runtimeHint') ?? textIn(found, 'runtime_hint'),
      before: argumentsOf(found['runtimeArguments'] ?? found['runtime_arguments']),
      after: argumentsOf(found['packageArguments'] ?? found['package_arguments']),
    })
    return { type: 'stdio', command, args, ...(Object.keys(env).length > 0 && { env }) }
  }
  return undefined
}

function kindOf(found: Readonly<JsonFields>): string | undefined {
  const kind = textIn(found, 'registryType') ?? textIn(found, 'registry_type') ?? textIn(found, 'registry_name')
  return kind === 'docker' ? 'oci' : kind
}

function speaksStdio(found: Readonly<JsonFields>): boolean {
  return (textIn(jsonFieldsIn(found, 'transport'), 'type') ?? 'stdio') === 'stdio'
}

function withFlag(flag: string, args: readonly string[]): readonly string[] {
  return args.includes(flag) || args.includes('--yes') ? args : [flag, ...args]
}

function at(id: string, mark: string, version: string | undefined): string {
  return version === undefined || version === '' || version === 'latest' ? id : `${id}${mark}${version}`
}

/** An image that names its tag or digest already is taken as it is. */
function image(id: string, version: string | undefined): string {
  return /[@:][^/]*$/.test(id) ? id : at(id, ':', version)
}

/** Arguments as words: `--name value` for named ones; what a person must fill in stays a placeholder, what is optional and empty is left out. */
function argumentsOf(given: unknown): string[] {
  const args = Array.isArray(given) ? given.filter(isFields) : []
  return args.flatMap((argument) => {
    const value = valueOf(argument, textIn(argument, 'valueHint') ?? textIn(argument, 'name') ?? 'value')
    if (argument['type'] !== 'named') return value ?? []
    const name = textIn(argument, 'name')
    if (name === undefined) return []
    if (value !== undefined) return [name, value]
    return argument['format'] === 'boolean' || argument['isRequired'] === true ? [name] : []
  })
}

/** Headers or environment variables as a map; required ones without a value become placeholders. */
export function packageInputs(given: unknown): Record<string, string> {
  const inputs: Record<string, string> = {}
  for (const input of Array.isArray(given) ? given.filter(isFields) : []) {
    const name = textIn(input, 'name')
    const value = name === undefined ? undefined : valueOf(input, name)
    if (name !== undefined && value !== undefined && name !== '__proto__') inputs[name] = value
  }
  return inputs
}

function valueOf(input: Readonly<JsonFields>, name: string): string | undefined {
  const value = textIn(input, 'value') ?? textIn(input, 'default')
  if (value !== undefined) return fillVariables(value, input['variables'])
  return input['isRequired'] === true || input['is_required'] === true ? placeholder(name) : undefined
}

/** Fills `{variable}` with its value or default; one that a person must give becomes `${variable}`, as everywhere here. */
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

import { mapValues } from '../data/map-values.ts'
import type { Server } from '../server.ts'
import { redactByForm, redactText } from './redact-text.ts'
import { redactArgs, redactForms, redactLoose, redactValue } from './redact.ts'
import { redactSecret } from './secrets.ts'

type Redact = (value: unknown) => unknown

/**
 * Redacts each object once, for as long as it is in use: what the registry holds is immutable, and read far more often than
 * it changes.
 */
function oncePerObject(redact: Redact): Redact {
  const results = new WeakMap<object, unknown>()
  return (value) => {
    if (typeof value !== 'object' || value === null) return redact(value)
    const known = results.get(value)
    if (known !== undefined) return known
    const result = redact(value)
    if (Object.keys(value).length > 0) results.set(value, result)
    return result
  }
}

/** Redacts immutable data as `redactValue` does, each object once. */
export const redactData = oncePerObject((value) => redactValue(value))
/** Redacts in immutable data what is a secret by its form, each object once. */
export const redactDataForms = oncePerObject((value) => redactForms(value))

const shownArgs = new WeakMap<readonly string[], { command: string; shown: readonly string[] }>()

/** Redacts the arguments of a command, each list once: it belongs to one command nearly always. */
function redactArgsOnce(args: readonly string[], command = ''): string[] {
  let known = shownArgs.get(args)
  if (known?.command !== command) {
    const shown = redactArgs(args, command)
    known = { command, shown: shown.every((one, at) => one === args[at]) ? args : shown }
    shownArgs.set(args, known)
  }
  return known.shown as string[]
}

/** Variables whose short plain value is shown: common settings that hold no secret. */
const plainVariables = new Set(['LOG_LEVEL', 'NODE_ENV', 'TZ', 'LANG', 'PORT', 'DEBUG'])

function redactVariable(value: string, name: string): string {
  const isPlain = plainVariables.has(name) && /^[\w.:/-]{1,32}$/.test(value) && redactByForm(value) === value
  return isPlain ? value : redactSecret(value)
}

/** Variables that the definition names as plain are shown, but for what is a secret by its form. */
function redactEnvironment(
  env: Readonly<Record<string, string>>,
  plain: readonly string[] = [],
): Record<string, string> {
  return mapValues(env, (value, name) => (plain.includes(name) ? redactText(value) : redactVariable(value, name)))
}

/** The fields of a server that can contain a secret. */
type RedactableFields = Partial<
  Pick<
    Server,
    | 'env'
    | 'plain'
    | 'headers'
    | 'args'
    | 'command'
    | 'url'
    | 'health_check_url'
    | 'title'
    | 'description'
    | 'metadata'
    | 'annotations'
    | 'origin'
    | 'shadows'
    | 'cwd'
    | 'version'
    | 'dependencies'
    | 'capabilities'
  >
>

/**
 * Redacts a server or a definition: keys stay, secret values become `<redacted>`. The same object where nothing is
 * redacted.
 *
 * Labels, tags and names are never redacted, because clients select by them.
 */
export function redactServer<T extends RedactableFields>(server: T): T {
  const redacted: RedactableFields = {}
  if (server.env) redacted.env = redactEnvironment(server.env, server.plain)
  if (server.headers) redacted.headers = mapValues(server.headers, redactSecret)
  if (server.args) redacted.args = redactArgsOnce(server.args, server.command)
  if (server.command) redacted.command = redactLoose(server.command)
  if (server.url) redacted.url = redactText(server.url)
  if (server.health_check_url) redacted.health_check_url = redactText(server.health_check_url)
  if (server.title) redacted.title = redactText(server.title)
  if (server.description) redacted.description = redactText(server.description)
  if (server.metadata) redacted.metadata = redactData(server.metadata) as Server['metadata']
  if (server.annotations) redacted.annotations = redactData(server.annotations) as Server['annotations']
  // By the form of the value only: search and version constraints need names and versions.
  if (server.cwd) redacted.cwd = redactByForm(server.cwd)
  if (server.version) redacted.version = redactByForm(server.version)
  if (server.dependencies) redacted.dependencies = redactDataForms(server.dependencies) as string[]
  if (server.capabilities) redacted.capabilities = redactDataForms(server.capabilities) as Server['capabilities']
  if (server.origin) redacted.origin = redactText(server.origin)
  if (server.shadows?.some(({ origin }) => redactText(origin) !== origin)) {
    redacted.shadows = server.shadows.map(({ source, origin }) => ({ source, origin: redactText(origin) }))
  }
  const fields = Object.keys(redacted) as (keyof RedactableFields)[]
  return fields.every((field) => redacted[field] === server[field]) ? server : { ...server, ...redacted }
}

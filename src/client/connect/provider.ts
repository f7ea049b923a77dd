import type { Tool } from '@modelcontextprotocol/client'
import type { Connection } from './connection/connection.ts'

/** A server that offers what is called. */
export type Provider = {
  readonly connection: Connection
  /** The name of its tool or capability. */
  readonly name: string
  /** The names of the tools that carry out the capability, best first. */
  readonly functions: readonly string[]
}

type Arguments = Readonly<Record<string, unknown>>

/**
 * The tool of a provider that a call is sent to: the one of that name, else the first that carries out the capability and takes the
 * arguments. Undefined where its list has none, or was not read yet.
 */
export function toolFor({ connection: { tools }, name, functions }: Provider, args: Arguments): Tool | undefined {
  const named = tools.get(name)
  if (named) return named
  const carriers = functions.flatMap((one) => tools.get(one) ?? [])
  return carriers.find((tool) => accepts(tool, args)) ?? carriers[0]
}

/** Whether a provider takes the arguments, as far as is known. Tools of one name may differ, as in the middle of an upgrade. */
export function mayAccept(provider: Provider, args: Arguments): boolean {
  const tool = toolFor(provider, args)
  return !tool || accepts(tool, args)
}

/** Whether the arguments fit the schema at first sight. */
function accepts({ inputSchema }: Tool, args: Arguments): boolean {
  const { required = [], properties = {}, additionalProperties } = inputSchema
  if (required.some((name) => !Object.hasOwn(args, name))) return false
  return additionalProperties !== false || Object.keys(args).every((name) => Object.hasOwn(properties, name))
}

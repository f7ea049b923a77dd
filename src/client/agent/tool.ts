import type { MeshDependency, MeshFunction } from '../roster/agents.ts'

/** A schema of zod, or of any other library that follows Standard Schema. */
export type StandardSchema<Input = unknown, Output = Input> = {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> }
  }
}

/** A plain JSON Schema of an object. */
export type JsonSchema = { readonly type: 'object'; readonly [keyword: string]: unknown }

/** The arguments that a tool with this schema gets. */
export type ArgumentsOf<Schema> = Schema extends {
  readonly '~standard': { readonly types?: { readonly output: infer Output } | undefined }
}
  ? Output
  : Record<string, unknown>

/** A capability that a tool calls; a plain text is the name of one. */
export type Dependency =
  | string
  | (MeshDependency & {
      /** The name that it is injected by; default: that of the capability. */
      readonly as?: string
    })

export type ToolOptions<Schema, Dependencies> = {
  /** The arguments; without it the tool takes none. Create it once, outside of any request. */
  readonly schema?: Schema
  /** JSON Schema to show for a `schema` whose library cannot make one. */
  readonly json_schema?: JsonSchema
  readonly title?: string
  readonly description?: string
  /** What other agents find it by; default: the name of the tool. Empty: it is not offered to agents. */
  readonly capability?: string
  /** Default 1.0.0. Of several providers the highest version wins. */
  readonly version?: string
  readonly tags?: readonly string[]
  /** Hints for callers, such as `readOnlyHint`. */
  readonly annotations?: Readonly<Record<string, unknown>>
  /** Free-form data for the agents that call it; `timeout` is their limit in seconds. */
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly dependencies?: Dependencies
}

/** Limits of one call. */
export type CallOptions = {
  readonly signal?: AbortSignal
  /** In ms; default: the `timeout` of the provider, else 60 s. */
  readonly timeoutMs?: number
}

/** The function that a dependency is injected as. It follows the provider: each call goes to the one that is there then. */
export type Injectable<Call extends (...args: never[]) => unknown> = {
  (
    ...args: Parameters<Call> extends []
      ? [args?: undefined, options?: CallOptions]
      : [...Parameters<Call>, options?: CallOptions]
  ): Promise<Awaited<ReturnType<Call>>>
  /** The agent that the next call goes to; null while there is none. */
  readonly provider: { readonly agent_id: string; readonly function_name: string; readonly endpoint: string } | null
}

/** Functions of other agents by the name that they are injected by, as the user declares them. */
export type Services = Record<string, (...args: never[]) => unknown>

/** A dependency whose function is not declared. */
export type UntypedCall = (args?: Record<string, unknown>) => unknown

type NameOf<D> = D extends string
  ? D
  : D extends { readonly as: infer Name extends string }
    ? Name
    : D extends { readonly capability: infer Name extends string }
      ? Name
      : never

type CallOf<Declared, Name> = string extends keyof Declared
  ? UntypedCall
  : Name extends keyof Declared
    ? Declared[Name] extends (...args: never[]) => unknown
      ? Declared[Name]
      : UntypedCall
    : UntypedCall

/** What a tool gets: a function for each dependency, or null where no agent provides it; a required one is never null. */
export type Injected<Dependencies extends readonly Dependency[], Declared> = {
  readonly [D in Dependencies[number] as NameOf<D>]: D extends { readonly required: true }
    ? Injectable<CallOf<Declared, NameOf<D>>>
    : Injectable<CallOf<Declared, NameOf<D>>> | null
}

/** One dependency of a tool: the name that it is injected by, and what the roster resolves. */
export type DependencySlot = { readonly name: string; readonly dependency: MeshDependency }

/** A tool as the agent keeps it. */
export type Tool = {
  readonly name: string
  readonly options: ToolOptions<StandardSchema | JsonSchema, readonly Dependency[]>
  readonly slots: readonly DependencySlot[]
  /** Its place in the registration. */
  readonly registered: MeshFunction
}

const openSchema: JsonSchema = { type: 'object' }

/** The JSON Schema of a tool's arguments. */
export function inputSchemaOf({ schema, json_schema }: Tool['options']): Record<string, unknown> {
  if (json_schema) return json_schema
  if (schema === undefined) return { ...openSchema, properties: {} }
  if (!isStandardSchema(schema)) return schema
  return schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }) ?? openSchema
}

export function isStandardSchema(schema: StandardSchema | JsonSchema): schema is StandardSchema {
  return '~standard' in schema
}

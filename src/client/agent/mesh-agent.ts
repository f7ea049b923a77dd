import { randomBytes } from 'node:crypto'
import { basename, extname } from 'node:path'
import { AgentError } from './agent-error.ts'
import { type Agent, createAgent } from './agent.ts'
import { boolean, checkOptions, invalidOption, isRecord, shown, text, textList } from './option-checks.ts'
import type { AgentOptions } from './settings.ts'
import type { ArgumentsOf, Dependency, Injected, JsonSchema, Services, StandardSchema, ToolOptions } from './tool.ts'

export type MeshAgentOptions<Schema, Dependencies> = Omit<ToolOptions<Schema, Dependencies>, 'capability'> &
  Partial<Omit<AgentOptions, 'roster' | 'version' | 'description' | 'tags' | 'name'>> & {
    /** What the function can do; default: its name. Each further one is a tool of its own, `{function}_{capability}`. */
    readonly capabilities?: readonly string[]
    /** URL of the registry; default as for `createAgent`. */
    readonly registry_endpoint?: string | URL
    /** The functions of one name are one agent; default: `MCP_MESH_AGENT_NAME`, else the name of the program. */
    readonly agent_name?: string
    /** Name of the tool; default: that of the function. */
    readonly name?: string
    /** Whether the agent starts by itself once the present code has run; default true. */
    readonly auto_start?: boolean
  }

type MeshedFunction<Schema, Dependencies extends readonly Dependency[]> = (
  args: ArgumentsOf<Schema>,
  injected: Injected<Dependencies, Services>,
) => unknown

type AnyFunction = (...args: never[]) => unknown

/** A function that gets its dependencies by itself: they may be left out where it is called. */
export type Meshed<F extends AnyFunction> = (args: Parameters<F>[0], injected?: Parameters<F>[1]) => ReturnType<F>

/** Decorates a method, or wraps a function. */
export type MeshDecorator<Call extends AnyFunction> = {
  <F extends Call>(method: F, context: ClassMethodDecoratorContext): F
  <F extends Call>(plain: F): Meshed<F>
}

type Meshes = { readonly agent: Agent; readonly options: Readonly<Record<string, unknown>> }

/** The agents of this process that functions belong to, by name. */
const agents = new Map<string, Meshes>()

/** Options of the function; all others are those of its agent. */
const toolKeys = new Set(
  'schema json_schema title description version tags annotations kwargs dependencies capabilities name agent_name auto_start'.split(
    ' ',
  ),
)

/**
 * Makes a function part of the mesh: offered by its capabilities, with its dependencies injected as second argument, also where
 * it is called directly. Registration and heartbeats happen by themselves.
 *
 * A standard decorator of methods, and the same call wraps a plain function. Node runs no decorators unbuilt (also not by
 * stripping types): build with TypeScript or esbuild for a target that lowers them, without `experimentalDecorators`; wrapping
 * works everywhere. A method becomes a tool when its object is created.
 *
 * @throws {AgentError} `invalid_option`.
 * @example
 * const readFile = meshAgent({ capabilities: ['file_read'], dependencies: ['auth_service'] },
 *   async ({ path }, { auth_service }) => …)
 *
 * class Files {
 *   @meshAgent({ capabilities: ['file_read'], dependencies: ['auth_service'], health_interval: 30 })
 *   async readFile({ path }, { auth_service } = {}) { … }
 * }
 */
export function meshAgent<
  Schema extends StandardSchema | JsonSchema | undefined = undefined,
  const Dependencies extends readonly Dependency[] = readonly [],
  F extends MeshedFunction<Schema, Dependencies> = MeshedFunction<Schema, Dependencies>,
>(options: MeshAgentOptions<Schema, Dependencies>, plain: F): Meshed<F>
export function meshAgent<
  Schema extends StandardSchema | JsonSchema | undefined = undefined,
  const Dependencies extends readonly Dependency[] = readonly [],
>(options: MeshAgentOptions<Schema, Dependencies>): MeshDecorator<MeshedFunction<Schema, Dependencies>>
export function meshAgent(
  options: MeshAgentOptions<JsonSchema, readonly Dependency[]>,
  plain?: AnyFunction,
): AnyFunction {
  assertMeshOptions(options, plain)
  const decorate = (target: AnyFunction, context?: ClassMethodDecoratorContext): AnyFunction => {
    assertMethod(context)
    const name = options.name ?? (context ? String(context.name) : target.name)
    const { agent } = joined(options)

    function meshed(this: unknown, args: unknown, injected?: unknown, ...more: unknown[]): unknown {
      const call = target as unknown as (this: unknown, ...all: unknown[]) => unknown
      return call.call(this, args, injected ?? agent.dependenciesOf(name), ...more)
    }

    if (!context) offer(agent, name, options, meshed)
    context?.addInitializer(function (this: unknown) {
      offer(agent, name, options, meshed.bind(this))
    })
    return Object.defineProperty(meshed, 'name', { value: name })
  }
  return plain ? decorate(plain) : (decorate as AnyFunction)
}

const checks = { capabilities: textList, name: text, agent_name: text, auto_start: boolean }

/** Checks what the agent and its tool do not check themselves. */
function assertMeshOptions(options: unknown, plain: unknown): void {
  if (!isRecord(options)) throw invalidOption(`meshAgent needs options, {} for none, not ${shown(options)}`)
  const given = Object.entries(options).filter(([key]) => Object.hasOwn(checks, key))
  checkOptions('meshAgent: ', Object.fromEntries(given), checks)
  if (plain !== undefined && typeof plain !== 'function')
    throw invalidOption(`meshAgent wraps a function, not ${shown(plain)}`)
}

/** Starts the agents of all functions that were wrapped or decorated, where that has not happened yet; resolves with them. */
export async function startMeshAgents(): Promise<readonly Agent[]> {
  const all = [...agents.values()].map(({ agent }) => agent)
  await Promise.all(all.map((agent) => agent.start()))
  return all
}

/** Offers a function by its first capability under its own name, and by each further one under a name of its own. */
function offer(
  agent: Agent,
  name: string,
  { capabilities = [name], ...options }: MeshAgentOptions<JsonSchema, readonly Dependency[]>,
  call: (args: unknown, injected?: unknown, ...more: unknown[]) => unknown,
): void {
  const { schema, json_schema, title, description, version, tags, annotations, kwargs, dependencies } = options
  const given = { schema, json_schema, title, description, version, tags, annotations, kwargs, dependencies }
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const [at, capability] of capabilities.entries())
    agent.tool(at === 0 ? name : `${name}_${capability}`, { ...defined, capability }, call)
}

/** The agent that a function belongs to; created by the first one. */
function joined(options: MeshAgentOptions<JsonSchema, readonly Dependency[]>): Meshes {
  const { agent_name = process.env['MCP_MESH_AGENT_NAME'] || programName(), registry_endpoint, auto_start } = options
  const own = Object.fromEntries(
    Object.entries(options).filter(([key, value]) => !toolKeys.has(key) && value !== undefined),
  )
  const { registry_endpoint: _, ...ofAgent } = own
  const known = agents.get(agent_name)
  if (known) {
    const other = Object.keys(own).find((key) => !isSame(known.options[key], own[key]))
    if (other === undefined) return known
    const message = `the functions of the agent "${agent_name}" differ in "${other}"; give the option to all of them, or another "agent_name"`
    throw new AgentError('invalid_option', message)
  }
  // Unlike a chosen id, the name of a program is not unique in a mesh.
  const { id = `${agent_name}-${randomBytes(4).toString('hex')}` } = options
  const roster = registry_endpoint === undefined ? {} : { roster: registry_endpoint }
  const agent: Agent = createAgent({ ...ofAgent, ...roster, id, name: agent_name })
  const meshes = { agent, options: own }
  agents.set(agent_name, meshes)
  // A failure to start is not handled here: it ends the process, unless `startMeshAgents` is awaited.
  if (auto_start !== false) setImmediate(() => void agent.start())
  return meshes
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one !== 'function' && JSON.stringify(one) === JSON.stringify(other))
}

function programName(): string {
  const file = process.argv[1] ?? ''
  return basename(file, extname(file)) || 'agent'
}

function assertMethod(context: unknown): asserts context is ClassMethodDecoratorContext | undefined {
  if (context === undefined) return
  if (typeof context === 'string' || typeof context === 'symbol') {
    const message =
      '@meshAgent is a standard decorator: remove "experimentalDecorators" from the tsconfig.json, or wrap a function instead: meshAgent({ … }, function)'
    throw new AgentError('invalid_option', message)
  }
  const { kind } = context as { kind?: string }
  if (kind !== 'method') throw new AgentError('invalid_option', `@meshAgent is for methods, not for a ${String(kind)}`)
}

import { AsyncLocalStorage } from 'node:async_hooks'
import type * as Mcp from '@modelcontextprotocol/server'
import { AgentError } from '../agent-error.ts'
import type { createDependencyTable, InjectedValues } from '../calls/dependency-table.ts'
import { runCall } from '../calls/running-call.ts'
import type { Tool } from '../tool.ts'

/** A function of the user, as the agent calls it. */
export type ToolFunction = (args: never, injected: never, context: Mcp.ServerContext) => unknown

export type ToolSet = ReturnType<typeof createToolSet>

/** The tools of one agent: each runs with its dependencies, which are injected and also found by `injected`. */
export function createToolSet({
  agent_id,
  dependencies,
}: {
  agent_id: string
  dependencies: Pick<ReturnType<typeof createDependencyTable>, 'define' | 'injectedFor' | 'missingFor'>
}) {
  const tools = new Map<string, Tool>()
  const functions = new Map<string, ToolFunction>()
  const running = new AsyncLocalStorage<InjectedValues>()
  /** Calls that are under way. */
  const calls = new Set<Promise<unknown>>()

  /** Adds a tool; one of a wrapped server has no function. */
  function add(tool: Tool, call?: ToolFunction): void {
    if (tools.has(tool.name))
      throw new AgentError('invalid_option', `the agent ${agent_id} has a tool named "${tool.name}" already`)
    tools.set(tool.name, tool)
    if (call) functions.set(tool.name, call)
    dependencies.define(tool)
  }

  /** The dependencies of a tool; throws while a required one has no provider. */
  function dependenciesOf(name: string): InjectedValues {
    const missing = dependencies.missingFor(name)
    if (missing.length === 0) return dependencies.injectedFor(name)
    const message = `${name} needs ${missing.join(', ')}, which no agent provides now; try again later`
    throw new AgentError('no_provider', message)
  }

  /** Runs a call with the dependencies of a tool. The error of a missing one becomes the answer. */
  async function around(
    name: string,
    context: Mcp.ServerContext,
    call: (injected: InjectedValues) => unknown,
  ): Promise<unknown> {
    const injected = dependenciesOf(name)
    return counted(runCall(context, () => running.run(injected, () => call(injected))))
  }

  function counted(call: Promise<unknown>): Promise<unknown> {
    calls.add(call)
    const remove = () => void calls.delete(call)
    call.then(remove, remove)
    return call
  }

  return {
    add,
    around,
    dependenciesOf,
    run: (tool: Tool, args: unknown, context: Mcp.ServerContext): Promise<unknown> =>
      around(tool.name, context, (injected) => functions.get(tool.name)?.(args as never, injected as never, context)),
    all: () => [...tools.values()],
    has: (name: string) => tools.has(name),
    /** Resolves once the calls that are under way have ended. */
    idle: async () => void (await Promise.allSettled(calls)),
    /** The dependencies of the tool that runs. */
    injected: (): InjectedValues => running.getStore() ?? {},
  }
}

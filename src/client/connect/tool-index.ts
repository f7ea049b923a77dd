import type { Tool } from '@modelcontextprotocol/client'
import type { Connection } from './connection/connection.ts'
import type { FleetTool } from './tools/fleet-tool.ts'
import { fleetToolName } from './tools/tool-names.ts'

/** A server that offers what is called, and the name of its tool. */
export type Provider = { readonly connection: Connection; readonly toolName: string }

/** Finds the servers of a tool by its name in the fleet, its own name, or a capability. */
export function createToolIndex(connections: ReadonlyMap<string, Connection>) {
  let isCurrent = false
  let listed: readonly FleetTool[] = []
  /** In the order in which they appeared, so that lists of tools only grow at their end. */
  let byName = new Map<string, FleetTool>()
  let byTool = new Map<string, Provider[]>()
  const entries = new WeakMap<Tool, FleetTool>()

  function refresh(): void {
    if (isCurrent) return
    isCurrent = true
    const present = new Map<string, FleetTool>()
    const providers = new Map<string, Provider[]>()
    for (const connection of connections.values()) {
      for (const tool of connection.tools.all().values()) {
        const entry = entryOf(connection, tool)
        present.set(entry.name, entry)
        const others = providers.get(tool.name)
        if (others) others.push({ connection, toolName: tool.name })
        else providers.set(tool.name, [{ connection, toolName: tool.name }])
      }
    }
    const ordered = new Map<string, FleetTool>()
    for (const name of [...byName.keys(), ...present.keys()]) {
      const entry = present.get(name)
      if (entry) ordered.set(name, entry)
    }
    byName = ordered
    byTool = providers
    listed = [...ordered.values()]
  }

  /** The hash of a name is made once for each tool. */
  function entryOf(connection: Connection, tool: Tool): FleetTool {
    const known = entries.get(tool)
    if (known) return known
    const entry = { server: connection.id, name: fleetToolName(connection.server(), tool.name), tool }
    entries.set(tool, entry)
    return entry
  }

  /** The providers of a name: one for a name in the fleet, else all whose tool or capability has that name. */
  function providersOf(name: string): readonly Provider[] {
    refresh()
    const own = byName.get(name)
    const connection = own && connections.get(own.server)
    if (own && connection) return [{ connection, toolName: own.tool.name }]
    const offering = byTool.get(name) ?? []
    const declaring = [...connections.values()].filter(
      (one) => !one.tools.isRead() && !one.isParked() && declares(one, name),
    )
    return [...offering, ...declaring.map((one) => ({ connection: one, toolName: name }))]
  }

  function list(): readonly FleetTool[] {
    refresh()
    return listed
  }

  return { providersOf, list, invalidate: () => void (isCurrent = false) }
}

const declares = (connection: Connection, name: string) =>
  connection.server().capabilities.some((capability) => capability.name === name)

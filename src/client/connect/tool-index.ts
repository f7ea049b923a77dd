import type { Tool } from '@modelcontextprotocol/client'
import { isTool, toolNameOf } from '../../model/query/capability-kinds.ts'
import type { Connection } from './connection/connection.ts'
import type { Provider } from './provider.ts'
import type { FleetTool } from './tools/fleet-tool.ts'
import { fleetToolName } from './tools/tool-names.ts'

/** Finds the servers of a tool by its name in the fleet, its own name, or a capability. */
export function createToolIndex(connections: ReadonlyMap<string, Connection>) {
  let isCurrent = false
  let listed: readonly FleetTool[] = []
  /** In the order in which they appeared, so that lists of tools only grow at their end. */
  let byName = new Map<string, FleetTool>()
  let providers = new Map<string, Provider[]>()
  const entries = new WeakMap<Tool, FleetTool>()

  function refresh(): void {
    if (isCurrent) return
    isCurrent = true
    const present = new Map<string, FleetTool>()
    providers = new Map()
    for (const connection of connections.values()) {
      for (const tool of connection.tools.all().values()) {
        const entry = entryOf(connection, tool)
        present.set(entry.name, entry)
        add({ connection, name: tool.name, functions: [] })
      }
      for (const [name, functions] of declaredBy(connection)) add({ connection, name, functions })
    }
    const ordered = new Map<string, FleetTool>()
    for (const name of [...byName.keys(), ...present.keys()]) {
      const entry = present.get(name)
      if (entry) ordered.set(name, entry)
    }
    byName = ordered
    listed = [...ordered.values()]
  }

  function add(provider: Provider): void {
    const others = providers.get(provider.name)
    if (others) others.push(provider)
    else providers.set(provider.name, [provider])
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
    if (own && connection) return [{ connection, name: own.tool.name, functions: [] }]
    return (providers.get(name) ?? []).filter((one) => one.connection.tools.isRead() || !one.connection.isParked())
  }

  function list(): readonly FleetTool[] {
    refresh()
    return listed
  }

  return { providersOf, list, invalidate: () => void (isCurrent = false) }
}

/**
 * What a server can be called by according to the registry, with the names of the tools that carry it out. Where its list was
 * read, only what the list does not show by itself: the capabilities of another name than their tools.
 */
function declaredBy(connection: Connection): ReadonlyMap<string, readonly string[]> {
  const { tools } = connection
  const declared = new Map<string, string[]>()
  for (const capability of connection.server().capabilities) {
    const toolName = toolNameOf(capability)
    if (!isTool(capability) || (tools.isRead() && (tools.get(capability.name) || !tools.get(toolName)))) continue
    const functions = declared.get(capability.name)
    if (functions) functions.push(toolName)
    else declared.set(capability.name, [toolName])
    if (!tools.isRead() && !declared.has(toolName)) declared.set(toolName, [])
  }
  return declared
}

/** The fleet: sessions with every server of a roster. Runs on Node 20 and newer; its peer is `@modelcontextprotocol/client`. */
export { connectServers, type Fleet } from './fleet.ts'
export type { Credentials, FleetOptions } from './fleet-options.ts'
export { FleetError, type FleetErrorCode } from './fleet-error.ts'
export type { FleetEvent } from './fleet-events.ts'
export type { CallOptions, ToolArguments } from './call-router.ts'
export type { CallStats, FleetStats } from './stats.ts'
export type { ConnectionState, ConnectionView } from './connection/connection-view.ts'
export type { FleetTool } from './tools/fleet-tool.ts'

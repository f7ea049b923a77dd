/** The library for programs that use a roster. */
export { serverId, shortId } from '../model/names.ts'
export type { Capability } from '../model/capability.ts'
export type { Server, ServerDefinition } from '../model/server.ts'
export type { SourceStatus } from '../model/status.ts'

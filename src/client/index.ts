/** The client library. Runs on Node 20 and newer, and in browsers. */
export type {
  AgentRegistration,
  DependencyCandidate,
  DependencyExplanation,
  ExplainedDependency,
  Heartbeat,
  HeartbeatAnswer,
  Registration,
} from './roster/agents.ts'
export {
  type ClientConfig,
  type ClientFormat,
  connectRoster,
  type Roster,
  type ServerDetails,
  type ServerMap,
  type ServerProbe,
  /** @deprecated Use `ServerProbe`. */
  type ServerProbe as CheckOutcome,
} from './roster/roster.ts'
export type { AnswerStore, CacheOptions, Staleness } from './roster/requests/answer-cache.ts'
export { type ClientErrorCode, type ProblemDocument as Problem, RosterError } from './roster/error.ts'
export type { Following, FollowOptions } from './roster/follow.ts'
export type { RosterEvent } from './roster/event-batcher.ts'
export type { ClusterMember, ClusterStatus } from './roster/cluster.ts'
export type { EventList, EventQuery, FollowEventsOptions, JournalEvent } from './roster/events.ts'
export type {
  Agent,
  AgentCapability,
  AgentList,
  AgentQuery,
  CapabilityList,
  CapabilityQuery,
  SourceList,
} from './roster/mesh-queries.ts'
export type { FieldQuery, ListQuery, WatchQuery } from './roster/query.ts'
export type {
  PriorDiscovery,
  PickedServer,
  PickList,
  PickQuery,
  QueryResult,
  QueryResults,
  ServerList,
  ServerPlace,
} from './roster/selection.ts'
export type { Strategy } from '../model/balancing/choose.ts'
export type { ResilienceOptions } from './roster/requests/repeated-requests.ts'
export type { Resumption, WatchOptions } from './roster/watch.ts'
export type { ConnectOptions } from './roster/requests/roster-http.ts'
export { type ServerId, serverId, shortId } from '../model/identity.ts'
export type { Capability } from '../model/capability.ts'
export type { Reason, Status } from '../model/health.ts'
export type { Server, ServerDefinition } from '../model/server.ts'
export type { SourceStatus } from '../model/status.ts'

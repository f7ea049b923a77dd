/** How patient and how busy the source is. Tests shorten what would take minutes. */
export type Tuning = {
  /** A burst of events is over when it was quiet this long, or after `mostMs`. */
  readonly quietMs: number
  readonly maxDelayMs: number
  /** Deadline of one page of a list, and of the first answer to a watch. */
  readonly listTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Idle time after which the kernel asks whether the other end of a connection is still there. */
  readonly keepAliveDelayMs: number
  /** Objects per page. */
  readonly pageSize: number
  readonly maxPageBytes: number
  readonly maxLineBytes: number
  /** A watch is renewed after this long, and up to twice as long. */
  readonly minWatchMs: number
  /** Pause between two questions whether the API server still answers. */
  readonly healthCheckMs: number
  /** How long the answer to that may take. */
  readonly healthCheckTimeoutMs: number
  /** Silence of a watch, over connections of its own, that is first suspected. */
  readonly stallMs: number
  /** Retries while the server fails: the first after about this long, doubling up to `retryMostMs`. */
  readonly minRetryMs: number
  readonly maxRetryMs: number
  /** Retries of what is not allowed, or not known: about this long apart. */
  readonly permanentRetryMs: number
  /** Lists in flight; lists that begin per second, once the first ones are in. */
  readonly maxConcurrentLists: number
  readonly maxListsPerSecond: number
  /** Something is said at least this often. */
  readonly maxSilenceMs: number
  readonly random: () => number
}

export const defaultTuning: Tuning = {
  quietMs: 50,
  maxDelayMs: 200,
  listTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  keepAliveDelayMs: 15_000,
  pageSize: 500,
  maxPageBytes: 256 * 1024 * 1024,
  maxLineBytes: 16 * 1024 * 1024,
  minWatchMs: 300_000,
  healthCheckMs: 25_000,
  healthCheckTimeoutMs: 15_000,
  stallMs: 50_000,
  minRetryMs: 1000,
  maxRetryMs: 30_000,
  permanentRetryMs: 50_000,
  maxConcurrentLists: 5,
  maxListsPerSecond: 8,
  maxSilenceMs: 30_000,
  random: Math.random,
}

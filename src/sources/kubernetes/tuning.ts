/** Timeouts, intervals and limits of the source. Tests shorten what would take minutes. */
export type KubeTuning = {
  /** Debounce: a burst of events ends after this much quiet, or `maxDelayMs` after its first event. */
  readonly quietMs: number
  readonly maxDelayMs: number
  /** Deadline of one page of a list, and of the head of a watch's response. */
  readonly listTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Idle time before the kernel sends TCP keep-alive probes. */
  readonly keepAliveDelayMs: number
  /** Objects per page of a list. */
  readonly pageSize: number
  readonly maxPageBytes: number
  readonly maxLineBytes: number
  /** Lifetime of a watch; the actual one is random up to twice as long. */
  readonly minWatchMs: number
  /** Interval of the health check of the API server. */
  readonly healthCheckMs: number
  readonly healthCheckTimeoutMs: number
  /** Silence after which a watch with a connection of its own is restarted. */
  readonly stallMs: number
  /** Backoff while the API server fails: about `minRetryMs` first, doubling up to `maxRetryMs`. */
  readonly minRetryMs: number
  readonly maxRetryMs: number
  /** Retry interval after a rejection that retries alone do not cure, such as 403 or 404. */
  readonly permanentRetryMs: number
  readonly maxConcurrentLists: number
  /** Rate of list starts after the first lists of a start. */
  readonly maxListsPerSecond: number
  /** The source yields a sighting at least this often. */
  readonly maxSilenceMs: number
  readonly random: () => number
}

export const defaultKubeTuning: KubeTuning = {
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

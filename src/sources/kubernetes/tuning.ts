/** How patient and how busy the source is. Tests shorten what would take minutes. */
export type Tuning = {
  /** A burst of events is over when it was quiet this long, or after `mostMs`. */
  readonly quietMs: number
  readonly mostMs: number
  /** Deadline of one page of a list, and of the first answer to a watch. */
  readonly listMs: number
  readonly connectMs: number
  /** Idle time after which the kernel asks whether the other end of a connection is still there. */
  readonly keepAliveMs: number
  /** Objects per page. */
  readonly page: number
  readonly mostPageBytes: number
  readonly mostLineBytes: number
  /** A watch is renewed after this long, and up to twice as long. */
  readonly watchMs: number
  /** Pause between two questions whether the API server still answers. */
  readonly pulseMs: number
  /** How long the answer to that may take. */
  readonly pulseLimitMs: number
  /** Silence of a watch, over connections of its own, that is first suspected. */
  readonly silenceMs: number
  /** Retries while the server fails: the first after about this long, doubling up to `retryMostMs`. */
  readonly retryMs: number
  readonly retryMostMs: number
  /** Retries of what is not allowed, or not known: about this long apart. */
  readonly refusedMs: number
  /** Lists in flight; lists that begin per second, once the first ones are in. */
  readonly lists: number
  readonly listsPerSecond: number
  /** Something is said at least this often. */
  readonly aliveMs: number
  readonly random: () => number
}

export const tuning: Tuning = {
  quietMs: 50,
  mostMs: 200,
  listMs: 30_000,
  connectMs: 10_000,
  keepAliveMs: 15_000,
  page: 500,
  mostPageBytes: 256 * 1024 * 1024,
  mostLineBytes: 16 * 1024 * 1024,
  watchMs: 300_000,
  pulseMs: 25_000,
  pulseLimitMs: 15_000,
  silenceMs: 50_000,
  retryMs: 1000,
  retryMostMs: 30_000,
  refusedMs: 50_000,
  lists: 5,
  listsPerSecond: 8,
  aliveMs: 30_000,
  random: Math.random,
}

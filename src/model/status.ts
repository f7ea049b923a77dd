import * as z from 'zod'

/** `starting` until the first answer; `degraded` while some origin fails or every entry is rejected, `stale` while all origins fail. */
export const SourceState = z.enum(['starting', 'synced', 'degraded', 'stale', 'disabled'])
export type SourceState = z.output<typeof SourceState>

/** A rejected entry: its location, and the reason. */
export const Rejection = z.lazy(() =>
  z.object({
    origin: z.string(),
    where: z.string().optional().describe('Line and key in the origin.'),
    name: z.string().optional(),
    reason: z.string(),
    kept: z.boolean().describe('Whether the last good version of this entry is still served, marked stale.'),
  }),
)
export type Rejection = z.output<typeof Rejection> & {
  /** The reason holds no secret. */
  readonly isRedacted?: boolean
  /** The entry is no fault of the source. */
  readonly isExpected?: boolean
}

export const OriginStatus = z.lazy(() =>
  z.object({
    origin: z.string(),
    servers: z.number().int(),
    stale: z.boolean(),
    error: z.string().optional(),
    error_class: z.enum(['transient', 'auth', 'config', 'partial']).optional(),
    where: z.string().optional(),
    excerpt: z
      .string()
      .optional()
      .describe('The broken line with `▸` at the error; `…` for all but field names and marks of the syntax.'),
  }),
)
export type OriginStatus = z.output<typeof OriginStatus>

/** One source as `/sources` shows it. Times are RFC 3339. */
export const SourceStatus = z.lazy(() =>
  z.object({
    name: z.string(),
    type: z.string(),
    state: SourceState,
    note: z.string().optional().describe('A note of the source itself: "polling, inotify is exhausted".'),
    servers: z.number().int().describe('Number of its definitions, shadowed ones included.'),
    shadowed: z.number().int().describe('Number of these that lost to a source of higher precedence.'),
    rejected: z.number().int(),
    origins: z.array(OriginStatus).describe('At most 1,000, failing ones first.'),
    rejections: z.array(Rejection).describe('At most 100, from the newest reading of each origin.'),
    held: z
      .object({ removes: z.number().int(), since: z.string() })
      .optional()
      .describe('A shrink that waits for a second read to confirm it.'),
    self_preservation: z
      .object({
        since: z.string(),
        until: z.string().describe('Time at which it ends at the latest.'),
        held: z.int().describe('Expired leases whose agents keep their status.'),
        of: z.int().describe('Agents alive when it began.'),
        remedy: z.string(),
      })
      .optional()
      .describe('Self-preservation: most agents missed their heartbeats at once, so their leases do not expire.'),
    last_attempt: z.string().optional(),
    last_success: z.string().optional(),
    last_change: z.string().optional(),
    next_attempt: z.string().optional(),
    consecutive_failures: z.number().int(),
    last_error: z.string().optional(),
    restarts: z.number().int(),
  }),
)
export type SourceStatus = z.output<typeof SourceStatus>

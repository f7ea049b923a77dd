import * as z from 'zod'

/** `starting` until the first answer, `synced`, `degraded` while some origin fails, `stale` while all do, `disabled`. */
export const SourceState = z.enum(['starting', 'synced', 'degraded', 'stale', 'disabled'])
export type SourceState = z.output<typeof SourceState>

/** An entry that was turned away: where it stands, and why. */
export const Rejection = z.lazy(() =>
  z.object({
    origin: z.string(),
    where: z.string().optional().describe('Line and key inside the origin.'),
    name: z.string().optional(),
    reason: z.string(),
    kept: z.boolean().describe('Whether the last good version of this entry is still served, marked stale.'),
  }),
)
export type Rejection = z.output<typeof Rejection>

export const OriginStatus = z.lazy(() =>
  z.object({
    origin: z.string(),
    servers: z.number().int(),
    stale: z.boolean(),
    error: z.string().optional(),
    error_class: z.enum(['transient', 'auth', 'config', 'partial']).optional(),
    where: z.string().optional(),
  }),
)
export type OriginStatus = z.output<typeof OriginStatus>

/** What `/sources` says of one source. Times are RFC 3339. */
export const SourceStatus = z.lazy(() =>
  z.object({
    name: z.string(),
    type: z.string(),
    state: SourceState,
    note: z.string().optional().describe('What the source says of itself: "polling, inotify is exhausted".'),
    servers: z.number().int().describe('Definitions it contributes, shadowed ones included.'),
    shadowed: z.number().int().describe('Of these, how many lost to a source of higher precedence.'),
    rejected: z.number().int(),
    origins: z.array(OriginStatus).describe('At most 1,000, those that fail first.'),
    rejections: z.array(Rejection).describe('At most 100, newest reading of each origin.'),
    held: z
      .object({ removes: z.number().int(), since: z.string() })
      .optional()
      .describe('A shrink that waits for a second look to agree.'),
    self_preservation: z
      .object({
        since: z.string(),
        until: z.string().describe('It ends then at the latest.'),
        held: z.int().describe('Leases that have run out and are not believed to be over.'),
        of: z.int().describe('Agents that were alive when it began.'),
        remedy: z.string(),
      })
      .optional()
      .describe('Most agents fell silent at once, so none of them is taken for dead.'),
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

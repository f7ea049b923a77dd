import * as z from 'zod'
import type { Log } from '../log.ts'
import type { Reach } from '../model/change.ts'
import { unionVariant } from '../model/schema/lazy-schema.ts'
import type { DiscoveryMethod } from '../model/server.ts'
import type { Source } from '../model/source.ts'
import type { HttpClient } from '../outbound/http-client.ts'

/** What a source may use of the world; everything else it needs is in its config. */
export type SourceTools = {
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  readonly httpClient: HttpClient
  /** Whether an instance of the daemon is this one, so that nothing comes back to where it came from. */
  readonly isOwnInstance?: ((instance: string) => boolean) | undefined
  /** What is registered with this daemon itself; absent where none runs (`discover`). */
  readonly registrations?: { readonly agents: Source; readonly manual: Source } | undefined
}

/** Fields that every kind of source has. A kind spreads them into its own strict object. */
export function commonFields() {
  return {
    name: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/i, 'must be at most 63 letters, digits, "-", "_" or "."')
      .optional()
      .describe('Unique name of the source; defaults to its type.'),
    enabled: z.boolean().default(true).describe('A disabled source is not read and has no servers.'),
    allow_stdio: z
      .boolean()
      .optional()
      .describe(
        'Whether the source may introduce commands that clients run. Only `file` and `env` may unless this says so.',
      ),
  } as const
}

/** One kind of source: its config, how much it is trusted, and how to open it. */
export type SourceKind<Config extends z.ZodObject = z.ZodObject> = {
  readonly type: string
  readonly config: z.ZodLazy<Config>
  readonly discovery_method: DiscoveryMethod
  /** What the addresses it names may reach when they are probed. */
  readonly reach: Reach
  /** Whether an entry of `namespace` may be a stdio command, when the config does not say it by `allow_stdio`. */
  readonly mayIntroduceStdio: (config: z.output<Config>, namespace: string) => boolean
  /** Whether a sudden shrink is held until a second look agrees (promise 7). */
  readonly questionsShrinks: boolean
  /** Whether the last good reading is kept over a restart, and shown until the first answer. */
  readonly keepsSnapshot?: boolean
  /** Seconds without a sighting after which the source is taken for hung and restarted. */
  readonly maxSilenceSeconds: (config: z.output<Config>) => number
  readonly open: (config: z.output<Config>, tools: SourceTools) => Source
}

/** Gives the config's own type to `open` and the rest; `config` is called when a source of that kind is first met. */
export function defineSource<Config extends z.ZodObject>({
  config,
  ...kind
}: Omit<SourceKind<Config>, 'config'> & { readonly config: () => Config }): SourceKind<Config> {
  return { ...kind, config: unionVariant(kind.type, config) }
}

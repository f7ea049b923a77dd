import * as z from 'zod'
import type { Log } from '../log.ts'
import type { Reach } from '../model/change.ts'
import { unionVariant } from '../model/schema/lazy-schema.ts'
import type { DiscoveryMethod } from '../model/server.ts'
import type { Source } from '../model/source.ts'
import type { HttpClient } from '../outbound/http-client.ts'

/** What the daemon gives every source. Everything else that a source needs is in its config. */
export type SourceTools = {
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  readonly httpClient: HttpClient
  /** Whether an instance id is that of this daemon, so that a source can skip servers that came from here. */
  readonly isOwnInstance?: ((instance: string) => boolean) | undefined
  /** Servers registered with this daemon; absent in a command without one (`discover`). */
  readonly registrations?: { readonly agents: Source; readonly manual: Source } | undefined
}

/** Config fields of every kind of source. A kind spreads them into its own strict object. */
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
        'Whether the source may introduce commands that clients run, and name variables that clients fill in. By default only `file` and `env` may.',
      ),
  } as const
}

/** One kind of source: its config, its trust, and how to open it. */
export type SourceKind<Config extends z.ZodObject = z.ZodObject> = {
  readonly type: string
  readonly config: z.ZodLazy<Config>
  readonly discovery_method: DiscoveryMethod
  /** Networks that probes of its servers may reach. */
  readonly reach: Reach
  /** Whether an entry of `namespace` may be a stdio command, unless the config sets `allow_stdio`. */
  readonly mayIntroduceStdio: (config: z.output<Config>, namespace: string) => boolean
  /** Whether a sudden shrink is held until a second read agrees. */
  readonly questionsShrinks: boolean
  /** Whether the last good readings are stored, and shown after a restart until the first answer. */
  readonly keepsSnapshot?: boolean
  /** Settings added since version 0.1.0, with their defaults: at these, readings that were stored without them stay valid. */
  readonly addedSettings?: Readonly<Record<string, unknown>>
  /** Seconds without a sighting after which the supervisor restarts the source. */
  readonly maxSilenceSeconds: (config: z.output<Config>) => number
  readonly open: (config: z.output<Config>, tools: SourceTools) => Source
}

/** Infers the types of the other members from the config. `config` is called when the first source of the kind is parsed. */
export function defineSource<Config extends z.ZodObject>({
  config,
  ...kind
}: Omit<SourceKind<Config>, 'config'> & { readonly config: () => Config }): SourceKind<Config> {
  return { ...kind, config: unionVariant(kind.type, config) }
}

/** The settings that identify stored readings: all but added ones at their defaults, so that an upgrade keeps the readings. */
export function storedSettings(
  { addedSettings = {} }: Pick<SourceKind, 'addedSettings'>,
  settings: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const isAddedDefault = (name: string, value: unknown) =>
    Object.hasOwn(addedSettings, name) && addedSettings[name] === value
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => !isAddedDefault(name, value)))
}

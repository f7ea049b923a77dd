import * as z from 'zod'
import { type Source, SourceError } from '../model/source.ts'
import { commonFields, defineSource } from './source-kind.ts'

/** Seconds without a sighting after which a push source counts as hung. */
const maxPushSilenceSeconds = 120

const unavailable: Source = () => {
  throw new SourceError('registrations exist in a running daemon only', { class: 'config' })
}

/** Agents that register themselves and send heartbeats. `health.agents` sets their lease. */
export const agents = defineSource({
  type: 'agents',
  config: () => z.strictObject({ type: z.literal('agents'), ...commonFields() }),
  discovery_method: 'registered',
  reach: 'private',
  mayIntroduceStdio: () => false,
  questionsShrinks: false,
  maxSilenceSeconds: () => maxPushSilenceSeconds,
  open: (_, { registrations }) => registrations?.agents ?? unavailable,
})

/** Servers that an admin wrote over the API. Unless the config lists it, every other source but `agents` takes precedence. */
export const manual = defineSource({
  type: 'manual',
  config: () => z.strictObject({ type: z.literal('manual'), ...commonFields() }),
  discovery_method: 'manual',
  reach: 'listed',
  mayIntroduceStdio: () => false,
  questionsShrinks: false,
  maxSilenceSeconds: () => maxPushSilenceSeconds,
  open: (_, { registrations }) => registrations?.manual ?? unavailable,
})

import { z } from 'zod'
import { duration } from '../model/duration.ts'
import { type Source, SourceError } from '../model/source.ts'
import { commonFields, defineSource } from './kind.ts'

/** Seconds without a word after which a source that is told everything is taken for hung. */
const silence = 120

const absent: Source = () => {
  throw new SourceError('nothing can be registered here: this is no running daemon', { class: 'config' })
}

/** Agents that announce themselves and live by their heartbeats. */
export const agents = defineSource({
  config: z.strictObject({
    type: z.literal('agents'),
    ...commonFields,
    timeout_threshold: duration({ min: 1, max: 86_400 })
      .default(60)
      .describe('An agent that names no threshold of its own is `unhealthy` after this long without a heartbeat.'),
    eviction_threshold: duration({ min: 1, max: 604_800 }).default(120).describe('And `offline` after this long.'),
    retention: duration({ min: 1 }).default(3600).describe('An agent that is not heard for this long is forgotten.'),
    most: z.number().int().min(1).max(10_000_000).default(200_000).describe('Most agents; further ones are refused.'),
    preservation: z
      .strictObject({
        enabled: z.boolean().default(true),
        least: z.number().int().min(2).default(10).describe('Fewer living agents than this are always believed dead.'),
        ratio: z.number().min(0.05).max(1).default(0.5).describe('When more than this part lapses within one timeout,'),
        most: duration({ min: 1, max: 86_400 }).default(900).describe('nothing lapses, for at most this long.'),
      })
      .prefault({})
      .describe('When most agents fall silent at once, the network is more likely to blame than they are.'),
  }),
  discovery_method: 'registered',
  reach: 'private',
  mayIntroduceStdio: () => false,
  questionsShrinks: false,
  silence: () => silence,
  open: (_, { registrations }) => registrations?.agents ?? absent,
})

/** Servers written by hand over the API. Implicit: it is the last source unless the config lists it. */
export const manual = defineSource({
  config: z.strictObject({ type: z.literal('manual'), ...commonFields }),
  discovery_method: 'manual',
  reach: 'private',
  mayIntroduceStdio: () => false,
  questionsShrinks: false,
  silence: () => silence,
  open: (_, { registrations }) => registrations?.manual ?? absent,
})

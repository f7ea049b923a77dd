import * as z from 'zod'
import { type Source, SourceError } from '../model/source.ts'
import { commonFields, defineSource } from './source-kind.ts'

/** Seconds without a word after which a source that is told everything is taken for hung. */
const silence = 120

const absent: Source = () => {
  throw new SourceError('nothing can be registered here: this is no running daemon', { class: 'config' })
}

/** Agents that announce themselves and live by their heartbeats; for how long is `health.agents`. */
export const agents = defineSource({
  type: 'agents',
  config: () => z.strictObject({ type: z.literal('agents'), ...commonFields() }),
  discovery_method: 'registered',
  reach: 'private',
  mayIntroduceStdio: () => false,
  questionsShrinks: false,
  maxSilenceSeconds: () => silence,
  open: (_, { registrations }) => registrations?.agents ?? absent,
})

/** Servers written by hand over the API. Implicit: it is the last source unless the config lists it. */
export const manual = defineSource({
  type: 'manual',
  config: () => z.strictObject({ type: z.literal('manual'), ...commonFields() }),
  discovery_method: 'manual',
  reach: 'private',
  mayIntroduceStdio: () => false,
  questionsShrinks: false,
  maxSilenceSeconds: () => silence,
  open: (_, { registrations }) => registrations?.manual ?? absent,
})

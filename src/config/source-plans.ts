import type { Sighting } from '../model/source.ts'
import type { RegistrationSettings } from '../registrations/registrations.ts'
import type { SourcePlan } from '../registry/supervision/supervisor.ts'
import { kindOf, openSource, SourceConfig } from '../sources/catalogue.ts'
import type { SourceTools } from '../sources/source-kind.ts'
import type { Config } from './schema.ts'

/** The sources of a config as the supervisor runs them, in order of precedence; `manual` is implicit, and last. */
export function sourcePlans({ sources }: Pick<Config, 'sources'>, tools: SourceTools): SourcePlan[] {
  const listed = sources.some(({ type }) => type === 'manual')
  const all = listed ? sources : [...sources, implicit]
  return all.map((source) => planOf(source, tools))
}

const implicit = SourceConfig.parse({ type: 'manual' }, { jitless: true })

/** The source of servers written by hand, as the config lists it or not. */
export function manualSource({ sources }: Pick<Config, 'sources'>) {
  const { name, enabled, allow_stdio = false } = sources.find(({ type }) => type === 'manual') ?? implicit
  return { name, enabled, allow_stdio }
}

/** Name of the source of agents; undefined where the config has none. */
export function agentsSource({ sources }: Pick<Config, 'sources'>): string | undefined {
  return sources.find(({ type, enabled }) => type === 'agents' && enabled)?.name
}

function planOf(source: SourceConfig, tools: SourceTools): SourcePlan {
  const {
    discovery_method,
    reach,
    mayIntroduceStdio,
    questionsShrinks,
    keepsSnapshot = false,
    maxSilenceSeconds,
  } = kindOf(source)
  return {
    name: source.name,
    type: source.type,
    settings: source,
    layer: { discovery_method, reach },
    trust: { stdio: (namespace) => source.allow_stdio ?? mayIntroduceStdio(source, namespace), questionsShrinks },
    maxSilenceMs: maxSilenceSeconds(source) * 1000,
    isPersisted: keepsSnapshot && source.enabled,
    open: () =>
      source.enabled ? openSource(source, { ...tools, log: tools.log.child({ source: source.name }) }) : switchedOff,
  }
}

/** A source that ends without a picture is disabled, and says why. */
async function* switchedOff(): AsyncGenerator<Sighting> {
  yield { type: 'alive', note: 'disabled in the config' }
}

/** For agents that name no thresholds of their own; seconds. */
export function leaseThresholds({ health: { agents } }: Pick<Config, 'health'>) {
  return { timeout: agents.timeout_threshold, eviction: agents.eviction_threshold }
}

/** How long registrations last. */
export function registrationSettings({ health: { agents } }: Pick<Config, 'health'>): RegistrationSettings {
  const { enabled, min_agents, ratio, max_duration } = agents.self_preservation
  return {
    retentionMs: agents.retention * 1000,
    selfPreservation: { enabled, minSubjects: min_agents, ratio, maxMs: max_duration * 1000 },
    maxAgents: agents.max_agents,
  }
}

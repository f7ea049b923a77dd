import type { LeaseThresholds } from '../agents/agent.ts'
import { defaultToolThresholds } from '../agents/config.ts'
import type { JournalSettings } from '../journal/journal.ts'
import type { Sighting } from '../model/source.ts'
import type { RegistrationSettings } from '../registrations/registrations.ts'
import type { SourcePlan } from '../registry/supervision/supervisor.ts'
import { kindOf, openSource, SourceConfig } from '../sources/catalogue.ts'
import { type SourceTools, storedSettings } from '../sources/source-kind.ts'
import type { LoadedConfig } from './load.ts'
import type { Config } from './schema.ts'

/**
 * The sources of a config for the supervisor, in order of precedence. Where `manual` is not listed, it comes before `agents`,
 * so that a registration never replaces what an admin wrote, and after all others.
 */
export function sourcePlans({ sources }: Pick<Config, 'sources'>, tools: SourceTools): SourcePlan[] {
  return withManual(sources).map((source) => planOf(source, tools))
}

function withManual(sources: readonly SourceConfig[]): readonly SourceConfig[] {
  if (sources.some(({ type }) => type === 'manual')) return sources
  const ofAgents = sources.findIndex(({ type }) => type === 'agents')
  return sources.toSpliced(ofAgents < 0 ? sources.length : ofAgents, 0, implicitManual)
}

const implicitManual = SourceConfig.parse({ type: 'manual' }, { jitless: true })

/** The source of manual servers, listed in the config or implicit. */
export function manualSource({ sources }: Pick<Config, 'sources'>) {
  const source = sources.find(({ type }) => type === 'manual') ?? implicitManual
  const { name, enabled, allow_stdio = false } = source
  return { name, enabled, allow_stdio, reach: kindOf(source).reach }
}

/** Name of the enabled `agents` source; undefined where the config has none. */
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
  const stdio = (namespace: string) => source.allow_stdio ?? mayIntroduceStdio(source, namespace)
  return {
    name: source.name,
    type: source.type,
    settings: source,
    storedSettings: storedSettings(kindOf(source), source),
    layer: { discovery_method, reach },
    trust: { stdio, plain: (namespace) => source.type === 'manual' || stdio(namespace), questionsShrinks },
    maxSilenceMs: maxSilenceSeconds(source) * 1000,
    isPersisted: keepsSnapshot && source.enabled,
    open: () =>
      source.enabled ? openSource(source, { ...tools, log: tools.log.child({ source: source.name }) }) : disabledSource,
  }
}

/** A source that ends without a picture counts as disabled; its note says why. */
async function* disabledSource(): AsyncGenerator<Sighting> {
  yield { type: 'alive', note: 'disabled in the config' }
}

/** Thresholds of agents that name none of their own, in seconds. Those of agents with `tools` are shorter unless the config names its own. */
export function leaseThresholds({ config, originOf }: Pick<LoadedConfig, 'config' | 'originOf'>): LeaseThresholds {
  const { agents } = config.health
  const withTools = (key: keyof typeof defaultToolThresholds) =>
    originOf(['health', 'agents', key]).from === 'default' ? defaultToolThresholds[key] : agents[key]
  return {
    timeout: agents.timeout_threshold,
    eviction: agents.eviction_threshold,
    withTools: { timeout: withTools('timeout_threshold'), eviction: withTools('eviction_threshold') },
  }
}

/** Lifetime and limits of registrations. */
export function registrationSettings({ health: { agents } }: Pick<Config, 'health'>): RegistrationSettings {
  const { enabled, min_agents, ratio, max_duration } = agents.self_preservation
  return {
    retentionMs: agents.retention * 1000,
    selfPreservation: { enabled, minSubjects: min_agents, ratio, maxMs: max_duration * 1000 },
    maxAgents: agents.max_agents,
    maxBytes: agents.max_bytes,
    maxAgentBytes: agents.max_agent_bytes,
  }
}

/** Whether events are stored, how many, and for how long. */
export function journalSettings({ events: { enabled, max_rows, max_age } }: Pick<Config, 'events'>): JournalSettings {
  return { enabled, maxRows: max_rows, maxAgeMs: max_age * 1000 }
}

import { Capability } from '../../model/capability.ts'
import { jsonEqual } from '../../model/json-equal.ts'
import type { Agent } from '../agent.ts'
import type { Fields } from './normalize.ts'

type Definition = Agent['definition']

/** Fields of a registration, as they stand once checked. */
export type UnchangedFields = Partial<
  Pick<Definition, (typeof ofDefinition)[number] | 'capabilities'> & Pick<Agent['spec'], 'endpoint' | 'config'>
>

const ofDefinition = ['namespace', 'description', 'labels', 'annotations', 'tags', 'dependencies'] as const

/**
 * Of what an agent sent, what says the same as is known of it: that was checked when it came first, and checking is most of
 * what a registration costs. An agent that announces itself again has changed a version, seldom more.
 */
export function unchangedFields(
  sent: Fields,
  { definition, spec: facts }: Pick<Agent, 'definition' | 'spec'>,
): UnchangedFields {
  const known: Record<string, unknown> = {}
  for (const field of ofDefinition)
    if (sent[field] !== undefined && jsonEqual(sent[field], definition[field])) known[field] = definition[field]
  if (sent['endpoint'] === facts.endpoint) known['endpoint'] = facts.endpoint
  if (sent['config'] !== undefined && jsonEqual(sent['config'], facts.config)) known['config'] = facts.config
  if (sameCapabilities(sent['capabilities'], definition.capabilities)) known['capabilities'] = definition.capabilities
  return known
}

function sameCapabilities(sent: unknown, known: readonly Capability[]): boolean {
  if (!Array.isArray(sent) || sent.length !== known.length) return false
  return sent.every((one: unknown, at) => typeof one === 'object' && one !== null && isFilledIn(known[at]!, one))
}

/** What a capability is of which nothing is said but its name; made when it is first needed. */
let usual: Fields | undefined

/** Whether `known` is what was sent, with what holds where nothing is said. */
function isFilledIn(known: Fields, sent: object): boolean {
  const given = sent as Fields
  for (const key in given) if (given[key] !== undefined && !jsonEqual(given[key], known[key])) return false
  usual ??= Capability.parse({ name: 'capability' })
  for (const key in known) if (given[key] === undefined && !jsonEqual(known[key], usual[key])) return false
  return true
}

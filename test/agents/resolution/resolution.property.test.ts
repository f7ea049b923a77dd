import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HeartbeatPayload } from '../../../src/agents/agent.ts'
import type { ToolAnswer } from '../../../src/agents/resolution/tool-answer.ts'
import { createRandom } from '../../random.ts'
import { admin, createTestMesh } from '../test-mesh.ts'

type Schema = { readonly hash: string; readonly fields: readonly string[] }
type Dependency = {
  readonly capability: string
  readonly tags: readonly (string | readonly string[])[]
  readonly version: string
  readonly required: boolean
  readonly matchMode?: 'subset' | 'strict'
  readonly schema?: Schema
}
type Tool = {
  readonly function_name: string
  readonly capability: string
  readonly version: string
  readonly tags: readonly string[]
  readonly schema?: Schema
  readonly dependencies: readonly Dependency[]
}
type TestAgent = {
  readonly id: string
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  readonly tools: readonly Tool[]
}
type TestServer = { readonly name: string; readonly healthy: boolean; readonly tool: string }
type World = { readonly agents: readonly TestAgent[]; readonly servers: readonly TestServer[] }

const capabilities = ['c0', 'c1', 'c2', 'c3']
const tagNames = ['a', 'b', 'c', 'd']
const versions = ['1.0.0', '1.1.0', '1.2.3', '2.0.0', '2.0.0-beta', 'nightly']
const fieldNames = ['x', 'y', 'z']

const canonicalOf = ({ fields }: Schema) => ({
  type: 'object',
  properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])),
  required: fields,
})

function randomWorld(random: ReturnType<typeof createRandom>): World {
  const { below, chance, pick, some } = random
  const schema = (): Schema => {
    const fields = some(fieldNames).toSorted()
    return { hash: `sha256:${fields.join('')}`, fields }
  }
  const tag = () => pick(['', '', '+', '-']) + pick(tagNames)
  const dependency = (capability: string, required: boolean): Dependency => ({
    capability,
    tags: Array.from({ length: below(3) }, () => (chance(0.25) ? [tag(), tag()] : tag())),
    version: pick(['', '', '>=1.1.0', '^1', '~1.2', '2.0.0', '>=1.0.0-0', 'nightly', '<2']),
    required,
    ...(chance(0.3) && { matchMode: pick(['subset', 'strict'] as const), schema: schema() }),
  })
  const tool = (at: number): Tool => {
    const place = below(capabilities.length)
    const named = capabilities[place] ?? ''
    // Requirements lead to capabilities of a higher number alone, so that they make no circle.
    const later = capabilities.slice(place + 1)
    return {
      function_name: `f${at}`,
      capability: chance(0.1) ? '' : named,
      version: pick(versions),
      tags: some(tagNames),
      ...(chance(0.5) && { schema: schema() }),
      dependencies: Array.from({ length: below(4) }, () =>
        later.length > 0 && chance(0.3) ? dependency(pick(later), true) : dependency(pick(capabilities), false),
      ),
    }
  }
  return {
    agents: Array.from({ length: 1 + below(10) }, (_, at) => ({
      id: `agent-${at}`,
      status: pick(['healthy', 'healthy', 'healthy', 'degraded', 'unhealthy'] as const),
      tools: Array.from({ length: 1 + below(3) }, (_tool, place) => tool(place)),
    })),
    servers: Array.from({ length: below(3) }, (_, at) => ({
      name: `server-${at}`,
      healthy: chance(0.8),
      tool: pick(capabilities),
    })),
  }
}

/*
 * The rules, written as plainly as possible: no index, no memory, one sentence each.
 */

function tagScore(tags: readonly string[], asked: Dependency['tags']): number | undefined {
  const has = (text: string) => tags.includes(text.replace(/^[+-]/, ''))
  const plain = asked.filter((one): one is string => typeof one === 'string')
  const groups = asked.filter((one) => typeof one !== 'string')
  const points = (text: string) => (text.startsWith('+') ? 10 : 5)
  if ([...plain, ...groups.flat()].some((text) => text.startsWith('-') && has(text))) return undefined
  if (plain.some((text) => !/^[+-]/.test(text) && !has(text))) return undefined
  const matched = groups.map((group) => group.filter((text) => !text.startsWith('-') && has(text)))
  if (matched.some((group) => group.length === 0)) return undefined
  const wanted = plain.filter((text) => !text.startsWith('-') && has(text))
  return [...wanted.map(points), ...matched.map((group) => Math.max(...group.map(points)))].reduce((a, b) => a + b, 0)
}

/** A version as numbers that sort like it; a pre-release is a little less, and a text that is no version is least. */
function numberOf(version: string): number {
  const match = /^(\d+)\.(\d+)\.(\d+)(-.*)?$/.exec(version)
  if (!match) return -1
  const [major = 0, minor = 0, patch = 0] = match.slice(1, 4).map(Number)
  return major * 1e6 + minor * 1e3 + patch - (match[4] ? 0.5 : 0)
}

function versionFits(version: string, constraint: string): boolean {
  if (constraint === '') return true
  if (version === 'nightly' || constraint === 'nightly') return version === constraint
  const at = numberOf(version)
  if (constraint === '>=1.0.0-0') return at >= 1e6 - 0.5
  if (version.includes('-')) return false
  if (constraint === '>=1.1.0') return at >= 1_001_000
  if (constraint === '^1') return at >= 1e6 && at < 2e6
  if (constraint === '~1.2') return at >= 1_002_000 && at < 1_003_000
  if (constraint === '<2') return at < 2e6
  return version === constraint
}

function schemaFits(offered: Schema | undefined, { matchMode, schema }: Dependency): boolean {
  if (!matchMode) return true
  if (!offered) return matchMode === 'subset'
  if (offered.hash === schema?.hash) return true
  return matchMode === 'subset' && (schema?.fields ?? []).every((field) => offered.fields.includes(field))
}

/** The providers that the rules leave equal, as `provider function`. */
function equalProviders(world: World, consumer: string, functionName: string, dependency: Dependency): Set<string> {
  for (const statuses of [['healthy'], ['healthy', 'degraded']]) {
    const passing = world.agents.flatMap(({ id, status, tools }) =>
      tools.flatMap((tool) => {
        const isOffered = tool.capability === dependency.capability && statuses.includes(status)
        const isSelf = id === consumer && tool.function_name === functionName
        if (!isOffered || isSelf || !isAvailable(world, id, tool)) return []
        const score = tagScore(tool.tags, dependency.tags)
        const fits = versionFits(tool.version, dependency.version) && schemaFits(tool.schema, dependency)
        return score === undefined || !fits ? [] : [{ id, tool, score, version: numberOf(tool.version) }]
      }),
    )
    const score = Math.max(...passing.map((one) => one.score))
    const scored = passing.filter((one) => one.score === score)
    const version = Math.max(...scored.map((one) => one.version))
    const best = scored.filter((one) => one.version === version)
    const firstOfEach = best.filter((one, at) => best.findIndex(({ id }) => id === one.id) === at)
    if (best.length > 0) return new Set(firstOfEach.map(({ id, tool }) => `${id} ${tool.function_name}`))
  }
  const wantsNothing =
    tagScore([], dependency.tags) !== undefined &&
    versionFits('1.0.0', dependency.version) &&
    schemaFits(undefined, dependency)
  const servers = world.servers.filter(({ healthy, tool }) => healthy && tool === dependency.capability && wantsNothing)
  return new Set(servers.map(({ name, tool }) => `default/${name} ${tool}`))
}

function isAvailable(world: World, id: string, { dependencies }: Tool): boolean {
  return dependencies.every(
    // The function itself offers another capability, so it is no candidate of what it requires.
    (dependency) => !dependency.required || equalProviders(world, id, '', dependency).size > 0,
  )
}

function registrationOf({ tools }: TestAgent): object {
  return {
    http_host: '10.0.0.1',
    http_port: 9000,
    tools: tools.map(({ schema, dependencies, ...tool }) => ({
      ...tool,
      ...(schema && { outputSchemaHash: schema.hash, outputSchemaCanonical: canonicalOf(schema) }),
      dependencies: dependencies.map(({ schema: expected, ...dependency }) => ({
        ...dependency,
        ...(expected && { expectedSchemaHash: expected.hash, expectedSchemaCanonical: canonicalOf(expected) }),
      })),
    })),
  }
}

describe('the resolution of dependencies', () => {
  it('equals a plain reading of the rules, for random agents, tags, versions and schemas', async () => {
    const random = createRandom()
    let [resolved, unresolved] = [0, 0]
    for (let round = 0; round < 40; round += 1) {
      const world = randomWorld(random)
      await using mesh = createTestMesh()
      for (const { name, healthy, tool } of world.servers)
        mesh.define(name, { status: healthy ? 'healthy' : 'unhealthy', capabilities: [tool] })
      for (const agent of world.agents) await beat(mesh, agent)

      for (const agent of world.agents) {
        const result = await beat(mesh, agent)
        assert.equal(mesh.haveProvidersChanged(result.agent), false, random.label)
        const outcome = assertResolved(world, agent, result.byFunction, random.label)
        resolved += outcome.resolved
        unresolved += outcome.unresolved
      }
      await assertViews(mesh, world, random.label)
    }
    assert.ok(resolved > 60 && unresolved > 60, `${resolved} resolved, ${unresolved} not`)
  })

  it('a HEAD announces exactly the changes that the next POST brings', async () => {
    const random = createRandom()
    let [changes, checks] = [0, 0]
    for (let round = 0; round < 15; round += 1) {
      const { agents: first, servers } = randomWorld(random)
      const agents = new Map(first.map((agent) => [agent.id, agent]))
      const world = () => ({ agents: [...agents.values()], servers })
      const told = new Map<string, string>()
      await using mesh = createTestMesh()
      for (const { name, healthy, tool } of servers)
        mesh.define(name, { status: healthy ? 'healthy' : 'unhealthy', capabilities: [tool] })
      const post = async (agent: TestAgent) => {
        const { byFunction } = await beat(mesh, agent)
        assertResolved(world(), agent, byFunction, random.label)
        told.set(agent.id, JSON.stringify(byFunction))
      }
      for (const agent of agents.values()) await beat(mesh, agent)
      for (const agent of agents.values()) await post(agent)

      for (let step = 0; step < 12; step += 1) {
        const [changed] = randomWorld(random).agents
        const { id } = random.pick([...agents.values()])
        if (random.chance(0.3) && agents.size > 1) {
          agents.delete(id)
          await mesh.unregister(id, { principal: admin })
        } else if (changed) {
          const agent = { ...changed, id: random.chance(0.3) ? `agent-${random.below(20)}` : id }
          agents.set(agent.id, agent)
          await post(agent)
        }
        for (const agent of agents.values()) {
          if (random.chance(0.3)) continue
          const before = told.get(agent.id)
          const isAnnounced = mesh.haveProvidersChanged(mesh.get(agent.id).agent)
          if (random.chance(0.3)) continue
          await post(agent)
          const isChanged = told.get(agent.id) !== before
          assert.equal(isAnnounced, isChanged, `${random.label}: ${agent.id}: ${before} ${told.get(agent.id)}`)
          checks += 1
          if (isChanged) changes += 1
        }
      }
    }
    assert.ok(changes > 30 && checks - changes > 30, `${changes} of ${checks} changed`)
  })
})

type TestMesh = ReturnType<typeof createTestMesh>

function beat(mesh: TestMesh, agent: TestAgent): ReturnType<TestMesh['register']> {
  const payload: HeartbeatPayload = agent.status === 'healthy' ? {} : { status: agent.status }
  const registration = { id: agent.id, ...registrationOf(agent) }
  return mesh.register({ registration, payload }, { principal: admin, countsAsHeartbeat: true })
}

/** Every slot has one of the providers that the rules leave equal, or none where they leave none. */
function assertResolved(world: World, agent: TestAgent, answer: ToolAnswer | undefined, label: string) {
  let [resolved, unresolved] = [0, 0]
  for (const { function_name, dependencies } of agent.tools) {
    const slots = answer?.dependencies_resolved[function_name] ?? []
    assert.equal(slots.length, dependencies.length)
    for (const [at, dependency] of dependencies.entries()) {
      const expected = equalProviders(world, agent.id, function_name, dependency)
      const slot = slots[at]
      const place = `${label}: ${agent.id} ${function_name} ${JSON.stringify(dependency)} ${JSON.stringify(slot)}`
      if (expected.size === 0) assert.equal(slot?.status, 'unavailable', place)
      else assert.ok(expected.has(`${slot?.agent_id} ${slot?.function_name}`), `${place}: ${[...expected].join(', ')}`)
      if (expected.size === 0) unresolved += 1
      else resolved += 1
    }
  }
  return { resolved, unresolved }
}

/** The lists, the explanation and the availability of functions say the same. */
async function assertViews(mesh: TestMesh, world: World, label: string): Promise<void> {
  for (const { id, status, tools } of world.agents) {
    const { dependency_resolutions, dependencies_resolved } = mesh.resolutions.resolutionsOf(id)
    const explained = (await mesh.explain(id)).functions.flatMap((one) => one.dependencies)
    assert.deepEqual(
      explained.map(({ provider }) => provider?.['agent_id']),
      dependency_resolutions.map(({ provider_agent_id }) => provider_agent_id),
      label,
    )
    assert.equal(dependencies_resolved, explained.filter((one) => one.status === 'available').length)
    for (const one of explained)
      assert.equal(one.candidates.filter(({ result }) => result === 'chosen').length, one.provider ? 1 : 0, label)
    for (const tool of tools.filter(({ capability }) => capability !== '')) {
      const reason = mesh.resolutions.unavailableReason(id, tool.function_name)
      assert.equal(reason === undefined, status !== 'unhealthy' && isAvailable(world, id, tool), `${label}: ${reason}`)
    }
  }
}

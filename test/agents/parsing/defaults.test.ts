import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LeaseThresholds } from '../../../src/agents/agent.ts'
import { definitionOf, specOf } from '../../../src/agents/parsing/defaults.ts'
import { RegistrationFields } from '../../../src/agents/parsing/schema.ts'

const fieldsOf = (registration: object) => RegistrationFields.parse({ id: 'a', ...registration })
const spec = (registration: object = {}) => specOf(fieldsOf(registration), { timeout: 60, eviction: 120 })
const thresholds = (registration: object) => {
  const { timeout_threshold, eviction_threshold } = spec(registration)
  return [timeout_threshold, eviction_threshold]
}

describe('agent spec', () => {
  it('agent spec has a default for each absent field', () => {
    assert.deepEqual(spec(), {
      name: 'a',
      endpoint: 'stdio://a',
      agent_type: 'default',
      health_interval: 30,
      timeout_threshold: 60,
      eviction_threshold: 120,
      config: {},
      security_context: null,
    })
  })

  it('agent spec has the thresholds of the agent type', () => {
    assert.deepEqual(thresholds({ agent_type: 'file-agent' }), [90, 180])
    assert.deepEqual(thresholds({ agent_type: 'worker' }), [45, 90])
    assert.deepEqual(thresholds({ agent_type: 'critical' }), [30, 60])
    assert.deepEqual(thresholds({ agent_type: 'other' }), [60, 120])
  })

  it('agent spec has an eviction threshold of at least twice the timeout, or of the timeout where one is named', () => {
    assert.deepEqual(thresholds({ timeout_threshold: 100 }), [100, 200])
    assert.deepEqual(thresholds({ timeout_threshold: 10 }), [10, 120])
    assert.deepEqual(thresholds({ timeout_threshold: 100, eviction_threshold: 110 }), [100, 110])
    assert.deepEqual(thresholds({ timeout_threshold: 100, eviction_threshold: 50 }), [100, 100])
  })
})

describe('agent spec with tools', () => {
  const mesh = { tools: [] }
  const withTools = { timeout: 20, eviction: 60 }
  const specWithTools = (
    registration: object = {},
    defaults: LeaseThresholds = { timeout: 60, eviction: 120, withTools },
  ) => specOf(fieldsOf(registration), defaults, mesh)
  const termsOf = (registration: object, defaults?: LeaseThresholds) => {
    const { health_interval, timeout_threshold, eviction_threshold } = specWithTools(registration, defaults)
    return [health_interval, timeout_threshold, eviction_threshold]
  }

  it('agent spec with tools has shorter defaults, unless the config, its type or the agent names others', () => {
    assert.deepEqual(termsOf({}), [5, 20, 60])
    assert.deepEqual(termsOf({}, { timeout: 60, eviction: 120 }), [5, 60, 120])
    assert.deepEqual(termsOf({ agent_type: 'file_agent' }), [5, 90, 180])
    assert.deepEqual(termsOf({ agent_type: 'file-agent' }), [5, 90, 180])
    assert.deepEqual(termsOf({ timeout_threshold: 7, eviction_threshold: 9 }), [5, 7, 9])
  })

  it('agent spec with tools lets an agent miss four heartbeats of the interval that it names', () => {
    assert.deepEqual(termsOf({ heartbeat_interval: 2 }), [2, 20, 60])
    assert.deepEqual(termsOf({ heartbeat_interval: 30 }), [30, 120, 240])
    assert.deepEqual(termsOf({ heartbeat_interval: 30, timeout_threshold: 40 }), [30, 40, 80])
    assert.deepEqual(termsOf({ heartbeat_interval: 30, health_interval: 10 }), [10, 120, 240])
  })

  it('agent spec with tools keeps name and type as they were sent', () => {
    const { name, agent_type } = specWithTools({ name: 'My Agent', agent_type: 'mesh_tool' })

    assert.deepEqual([name, agent_type], ['My Agent', 'mesh_tool'])
    assert.deepEqual([specWithTools().name, specWithTools().agent_type], ['a', 'mcp_agent'])
  })
})

describe('agent definition', () => {
  const definition = (registration: object) => definitionOf(fieldsOf(registration), spec(registration))

  it('agent definition is probed only where the agent asks for it', () => {
    const probe = (registration: object) => definition(registration).health_check
    assert.equal(probe({ endpoint: 'http://a.example' }), 'none')
    assert.equal(probe({ health_check_url: 'http://a.example/health' }), 'http')
    assert.equal(probe({ endpoint: 'http://a.example', health_check: 'mcp' }), 'mcp')
  })

  it('agent definition keeps the original spelling of a normalized name and type as annotations', () => {
    assert.deepEqual(definition({ name: 'My Agent', agent_type: 'Odd Type', annotations: { note: 'x' } }).annotations, {
      note: 'x',
      original_name: 'My Agent',
      original_agent_type: 'Odd Type',
    })
    assert.deepEqual(definition({ name: 'fits', agent_type: 'worker' }).annotations, {})
  })
})

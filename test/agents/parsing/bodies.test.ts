import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegistrationProblem } from '../../../src/agents/errors.ts'
import { parseHeartbeat, parseMetadataRegistration, parseRegistrationBody } from '../../../src/agents/parsing/bodies.ts'

const isProblemOf = (field: string) => (error: unknown) => error instanceof RegistrationProblem && error.field === field

describe('mesh bodies', () => {
  it('register_with_metadata becomes a registration whose metadata changes with heartbeats', () => {
    const { registration, payload } = parseMetadataRegistration({
      agent_id: 'a',
      timestamp: 7,
      metadata: { name: 'My Agent', capabilities: ['echo'], metadata: { load: 1 }, version: null },
    })

    assert.deepEqual(registration, {
      id: 'a',
      agent_type: 'mesh-agent',
      name: 'My Agent',
      capabilities: ['echo'],
      config: { load: 1 },
      annotations: {
        registered_via: 'register_with_metadata',
        original_name: 'My Agent',
        original_agent_type: 'mesh_agent',
        original_endpoint: 'stdio://a',
      },
    })
    assert.deepEqual(payload, { timestamp: '7', metadata: { load: 1 } })
  })

  it('a registration body is a bare registration, or the body of register_with_metadata', () => {
    assert.deepEqual(parseRegistrationBody({ agent_id: 'a', version: '1', timestamp: 'now' }), {
      registration: { id: 'a', version: '1', timestamp: 'now' },
      payload: { timestamp: 'now' },
    })
    assert.equal(parseRegistrationBody({ agent_id: 'a', metadata: {} }).registration['agent_type'], 'mesh-agent')
  })

  it('a heartbeat with capabilities or an agent type carries a whole registration', () => {
    assert.equal(parseHeartbeat({ agent_id: 'a', metadata: { load: 1 } }).registration, undefined)
    const { registration } = parseHeartbeat({ agent_id: 'a', capabilities: ['echo'], metadata: { load: 1 } })
    assert.deepEqual(registration, { agent_id: 'a', id: 'a', capabilities: ['echo'], metadata: undefined })
  })

  it('a heartbeat keeps what an agent reports of itself; every other word means healthy', () => {
    const statusOf = (status: string) => parseHeartbeat({ agent_id: 'a', status }).payload.status
    assert.deepEqual(['Degraded', 'UNHEALTHY', 'offline', 'healthy', 'busy'].map(statusOf), [
      'degraded',
      'unhealthy',
      'offline',
      undefined,
      undefined,
    ])
  })

  it('a heartbeat drops a long timestamp and large metadata', () => {
    const payloadOf = (timestamp: string, note: string) =>
      parseHeartbeat({ agent_id: 'a', timestamp, metadata: { note } }).payload

    assert.deepEqual(payloadOf('x'.repeat(65), 'x'.repeat(16_384)), {})
    const largest = { note: 'x'.repeat(16_384 - JSON.stringify({ note: '' }).length) }
    assert.deepEqual(payloadOf('x'.repeat(64), largest.note), { timestamp: 'x'.repeat(64), metadata: largest })
  })

  it('a problem names the invalid part of a body', () => {
    let nested: unknown = 'x'
    for (let level = 0; level < 40; level += 1) nested = [nested]

    assert.throws(() => parseMetadataRegistration({ metadata: {} }), isProblemOf('agent_id'))
    assert.throws(() => parseMetadataRegistration({ agent_id: 'a', metadata: 'x' }), isProblemOf('metadata'))
    assert.throws(
      () => parseMetadataRegistration({ agent_id: 'a', metadata: { metadata: 'x' } }),
      isProblemOf('metadata.metadata'),
    )
    assert.throws(() => parseRegistrationBody('x'), isProblemOf('registration'))
    assert.throws(() => parseHeartbeat([]), isProblemOf('body'))
    assert.throws(() => parseHeartbeat({}), isProblemOf('agent_id'))
    assert.throws(() => parseHeartbeat({ agent_id: 'a', status: 1 }), isProblemOf('status'))
    for (const parse of [parseMetadataRegistration, parseRegistrationBody, parseHeartbeat])
      assert.throws(() => parse({ agent_id: 'a', config: nested }), isProblemOf('body'))
  })
})

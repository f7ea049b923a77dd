import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegistrationProblem } from '../../../src/agents/errors.ts'
import { parseAgentRequest } from '../../../src/agents/parsing/agent-request.ts'

const parse = (registration: unknown) =>
  parseAgentRequest(registration, { defaults: { timeout: 60, eviction: 120 }, countsAsHeartbeat: false })

function problemOf(registration: unknown): RegistrationProblem {
  try {
    parse(registration)
  } catch (error) {
    assert.ok(error instanceof RegistrationProblem)
    return error
  }
  return assert.fail('no problem')
}

describe('agent request', () => {
  it('agent request holds the server, the spec and the conditions for storing it', () => {
    const request = parse({
      id: 'a',
      name: 'My Agent',
      endpoint: 'http://a.example/mcp',
      capabilities: ['echo'],
      instance_id: 'i',
      takeover: true,
      resource_version: 7,
      unknown: 'ignored',
    })

    assert.equal(request.definition.url, 'http://a.example/mcp')
    assert.equal(request.definition.annotations['original_name'], 'My Agent')
    assert.equal(request.spec.name, 'my-agent')
    assert.deepEqual(
      [request.id, request.instance_id, request.takeover, request.expectedVersion, request.countsAsHeartbeat],
      ['a', 'i', true, '7', false],
    )
  })

  it('a problem names the invalid field', () => {
    const cases: readonly (readonly [unknown, string])[] = [
      ['text', 'registration'],
      [['a'], 'registration'],
      [{}, 'id'],
      [{ id: '' }, 'id'],
      [{ id: 'a', namespace: 'Not A Label' }, 'namespace'],
      [{ id: 'a', endpoint: 'http://' }, 'endpoint'],
      [{ id: 'a', timeout_threshold: 0 }, 'timeout_threshold'],
      [{ id: 'a', eviction_threshold: '8d' }, 'eviction_threshold'],
      [{ id: 'a', capabilities: [{ name: 'echo', stability: 'shaky' }] }, 'capabilities.0.stability'],
    ]
    for (const [registration, field] of cases)
      assert.equal(problemOf(registration).field, field, JSON.stringify(registration))
  })

  it('high security requires its three capabilities', () => {
    const registration = (...capabilities: readonly string[]) => ({
      id: 'a',
      security_context: 'high_security',
      capabilities,
    })

    assert.match(problemOf(registration('audit')).message, /missing: authentication, authorization$/)
    assert.equal(parse(registration('audit', 'authentication', 'authorization')).spec.security_context, 'high_security')
  })
})

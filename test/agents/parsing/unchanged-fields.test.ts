import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AgentRequest } from '../../../src/agents/agent.ts'
import { RegistrationProblem } from '../../../src/agents/errors.ts'
import { parseAgentRequest } from '../../../src/agents/parsing/agent-request.ts'
import { createRandom } from '../../random.ts'

/** By field: values to choose from, valid and invalid. */
const choices: Readonly<Record<string, readonly unknown[]>> = {
  name: [undefined, 'a', 'A Name', 7],
  namespace: [undefined, '', 'default', 'team-a', 'Not A Label'],
  description: [undefined, null, 'one', 'other', 7],
  version: [undefined, '1.0.0', 1],
  agent_type: [undefined, 'mesh-agent', 'Odd Type'],
  endpoint: [undefined, '', 'http://a.example/', 'stdio://a', 'elsewhere', 'http://'],
  labels: [undefined, {}, { a: 'b' }, { a: '1' }, { a: 1 }, { 'a b': 'c' }, 'a=b'],
  annotations: [undefined, {}, { note: 'x' }, { note: { deep: true } }, { original_name: 'A Name' }, []],
  tags: [undefined, [], ['x'], ['x', 'y'], { a: 'b' }, [''], 'x'],
  dependencies: [undefined, [], ['echo'], [''], 'echo'],
  config: [undefined, {}, { a: 1 }, []],
  security_context: [undefined, 'high_security', { a: 1 }],
  capabilities: [
    undefined,
    [],
    ['echo'],
    [{ name: 'echo' }],
    [{ name: 'echo', stability: 'stable', tags: [], version: '1.0.0', kind: 'declared', origin: 'declared' }],
    [{ name: 'echo', stability: 'beta' }],
    [{ name: 'echo', stability: 'shaky' }],
    [{ name: 'echo', tags: null, odd: 1 }],
    [{ name: 'echo', parameters: { type: 'object' } }],
    [{ name: 'echo', ['__proto__']: {} }],
    [{ name: 'echo' }, { name: '' }],
    [null],
    'echo',
  ],
}

const options = { defaults: { timeout: 60, eviction: 120 }, countsAsHeartbeat: true } as const

function parsed(value: object, current?: AgentRequest): AgentRequest | { field: string; message: string } {
  try {
    return parseAgentRequest(value, { ...options, current })
  } catch (error) {
    assert.ok(error instanceof RegistrationProblem, String(error))
    return { field: error.field, message: error.message }
  }
}

describe('unchanged fields', () => {
  it('skipping unchanged fields accepts and rejects exactly what full validation does', () => {
    const random = createRandom()
    const registration = () =>
      Object.fromEntries([
        ['id', 'a'],
        ...Object.entries(choices).map(([field, values]) => [field, random.pick(values)]),
      ])
    const counts = { accepted: 0, rejected: 0 }

    while (counts.accepted < 300 || counts.rejected < 300) {
      const current = parsed(mostlyValid(registration()))
      if ('field' in current) continue
      const next = random.chance(0.5) ? mostlyValid(registration()) : registration()
      const expected = parsed(next)

      assert.deepEqual(parsed(next, current), expected, `${random.label}: ${JSON.stringify(next)}`)

      counts['field' in expected ? 'rejected' : 'accepted'] += 1
    }

    /** Drops fields that are invalid by themselves; without it almost every registration would be rejected. */
    function mostlyValid(fields: Record<string, unknown>): Record<string, unknown> {
      return Object.fromEntries(
        Object.entries(fields).filter(
          ([field, value]) => field === 'id' || !('field' in parsed({ id: 'a', [field]: value })),
        ),
      )
    }
  })

  it('unchanged fields of a registration are the stored objects themselves', () => {
    const first = parsed({ id: 'a', capabilities: ['echo'], labels: { a: 'b' }, tags: ['x'] })
    assert.ok('definition' in first)

    const next = parsed(
      { id: 'a', version: '2', capabilities: [{ name: 'echo' }], labels: { a: 'b' }, tags: ['x'] },
      first,
    )

    assert.ok('definition' in next)
    for (const field of ['capabilities', 'labels', 'tags'] as const)
      assert.equal(next.definition[field], first.definition[field], field)
  })
})

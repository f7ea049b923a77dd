import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Trust, validateEntry } from '../../../src/registry/supervision/validate-entry.ts'

const trusting: Trust = { stdio: () => true, questionsShrinks: false }
const wary: Trust = { stdio: (namespace) => namespace === 'trusted', questionsShrinks: false }
const validate = (value: unknown, trust = trusting) =>
  validateEntry({ value, where: 'line 3' }, 'a.yaml', 'files', trust)

describe('the validation of an entry', () => {
  it('gives the definition and the id of a good entry', () => {
    const result = validate({ name: 'weather', url: 'http://weather.example/mcp' })

    assert.ok('definition' in result)
    assert.equal(result.id, 'default/weather')
  })

  it('rejects a bad entry with its id, location and every wrong field, without values', () => {
    const result = validate({ name: 'weather', namespace: 'team', url: 7, tags: 'hunter2' })

    assert.ok('rejection' in result)
    assert.equal(result.id, 'team/weather')
    assert.deepEqual(result.rejection, {
      origin: 'a.yaml',
      where: 'line 3',
      name: 'weather',
      reason: 'url: must be text, not a number; tags: must be a list, not text',
      isRedacted: true,
    })
    assert.equal(result.isForbidden, false)
  })

  it('rejects an entry without a name, which has no id', () => {
    const result = validate({ url: 'http://weather.example/mcp' })

    assert.ok('rejection' in result)
    assert.equal(result.id, undefined)
    assert.match(result.rejection.reason, /^name: /)
  })

  it('forbids commands of namespaces that are not trusted', () => {
    const command = { name: 'local', command: 'python' }

    const forbidden = validate(command, wary)
    assert.ok('rejection' in forbidden)
    assert.equal(forbidden.isForbidden, true)
    assert.match(forbidden.rejection.reason, /files.*allow_stdio/)
    assert.ok('definition' in validate({ ...command, namespace: 'trusted' }, wary))
  })

  it('passes on the problem that the source itself found', () => {
    const result = validateEntry({ problem: 'has no port', name: 'weather' }, 'svc', 'cluster', trusting)

    assert.ok('rejection' in result)
    assert.deepEqual([result.id, result.rejection.reason], ['default/weather', 'has no port'])
  })
})

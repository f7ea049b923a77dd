import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { targetKey, targetOf } from '../../src/model/target.ts'
import { server } from '../builders.ts'

const url = 'http://weather.example/mcp'

describe('the probe target of a server', () => {
  for (const [title, fields, target] of [
    ['is its URL', {}, { check: 'mcp', url }],
    ['is none for a disabled server', { enabled: false }, { check: 'none' }],
    ['is none where probes are switched off', { health_check: 'none' }, { check: 'none' }],
    ['is none for a URL with a placeholder', { url: 'http://${HOST}/mcp' }, { check: 'none' }],
    ['is the command of one', { type: 'stdio', url: undefined, command: 'python' }, { check: 'stdio' }],
    [
      'is none for a command with a placeholder',
      { type: 'stdio', url: undefined, command: 'python', env: { KEY: '${KEY}' } },
      { check: 'none' },
    ],
    [
      'is the health check URL of a server that has one',
      { health_check: 'http', health_check_url: 'http://weather.example/health' },
      { check: 'http', url: 'http://weather.example/health' },
    ],
    ['is the URL for an http check without a URL of its own', { health_check: 'http' }, { check: 'http', url }],
  ] as const) {
    it(title, () => assert.deepEqual(targetOf(server(fields)), target))
  }

  it('has another key with other headers', () => {
    const [one, other] = ['a', 'b'].map((token) => targetKey(server({ headers: { Authorization: token } })))

    assert.notEqual(one, other)
  })

  it('has different keys for a disabled server and one that is not probed', () => {
    assert.equal(targetKey(server({ enabled: false })), 'disabled')
    assert.equal(targetKey(server({ health_check: 'none' })), 'none')
  })
})

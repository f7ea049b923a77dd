import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegistrationProblem } from '../../../src/agents/errors.ts'
import { endpointOf } from '../../../src/agents/parsing/http-endpoint.ts'

const endpoint = (fields: object, known?: string) => endpointOf({ ...fields }, { id: 'a', known })

describe('the endpoint of an agent with a host and a port', () => {
  it('is their URL; an IPv6 address gets brackets', () => {
    const at = (http_host: string) => endpoint({ http_host, http_port: 8080 })

    assert.equal(at('10.0.0.7'), 'http://10.0.0.7:8080')
    assert.equal(at('my_service.default.svc'), 'http://my_service.default.svc:8080')
    assert.equal(at('::1'), 'http://[::1]:8080')
    assert.equal(at('[2001:db8::1]'), 'http://[2001:db8::1]:8080')
  })

  it('is the known one, or none, while either of them is not known', () => {
    for (const unknown of [
      {},
      { http_host: 'h' },
      { http_host: 'h', http_port: 0 },
      { http_host: '', http_port: 8080 },
    ]) {
      assert.equal(endpoint(unknown), 'stdio://a')
      assert.equal(endpoint(unknown, 'stdio://a'), 'stdio://a')
      assert.equal(endpoint(unknown, 'http://h:8080'), 'http://h:8080')
      assert.equal(endpointOf(unknown, { id: 'a', endpoint: 'http://b/', known: 'http://h:1' }), 'http://b/')
    }
  })

  it('is refused where the host is more than a host, or the port no port', () => {
    const hosts = [
      'http://h',
      'h/path',
      'user@h',
      'h:80',
      'a b',
      'h?x',
      'h#x',
      'h\\x',
      '-h',
      '[h]',
      'fe80::1%eth0',
      '%41',
      5,
    ]
    const ports = [-1, 70_000, 8080.5, 'http', '8080', true, {}]

    const isProblemOf = (field: string) => (error: unknown) =>
      error instanceof RegistrationProblem &&
      error.field === field &&
      error.message.startsWith(`Validation failed: '${field}' must be`)
    for (const http_host of hosts) assert.throws(() => endpoint({ http_host, http_port: 1 }), isProblemOf('http_host'))
    for (const http_port of ports)
      assert.throws(() => endpoint({ http_host: 'h', http_port }), isProblemOf('http_port'))
  })
})

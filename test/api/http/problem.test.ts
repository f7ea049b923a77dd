import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem, problemBody, problemFrom } from '../../../src/api/http/problem.ts'
import { serve } from '../served-api.ts'

describe('a problem document', () => {
  it('has the code, its status and its title, and the detail also as error', () => {
    const { timestamp, ...body } = JSON.parse(
      problemBody(new Problem('server_not_found', 'No server "a/b".', { more: { server: 'a/b' } })),
    ) as Record<string, unknown>

    assert.ok(Date.parse(String(timestamp)) > 0)
    assert.deepEqual(body, {
      type: 'urn:mcp-roster:problem:server_not_found',
      title: 'Server not found',
      status: 404,
      code: 'server_not_found',
      detail: 'No server "a/b".',
      error: 'No server "a/b".',
      server: 'a/b',
    })
  })

  it('shows no secret of its detail', () => {
    const body = problemBody(new Problem('source_read_failed', 'GET https://user:hunter2@far.example failed'))

    assert.doesNotMatch(body, /hunter2/)
  })

  it('of an unexpected error is a 500 that shows nothing of the cause', () => {
    const problem = problemFrom(new Error('table "x" is missing'))

    assert.equal(problem.code, 'internal_error')
    assert.equal(problem.status, 500)
    assert.doesNotMatch(problemBody(problem), /table/)
  })

  for (const [name, request, code] of [
    ['bytes that are not HTTP', 'nonsense\r\n\r\n', 'malformed_request'],
    [
      'a header above its limit',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      'header_too_large',
    ],
    ['a request without a host', 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', 'invalid_host'],
    ['a CONNECT request', 'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n', 'method_not_allowed'],
  ] as const) {
    it(`answers ${name} with the code ${code}`, async () => {
      await using served = await serve()

      const response = await served.raw(request)

      const body = JSON.parse(response.slice(response.indexOf('\r\n\r\n'))) as Record<string, unknown>
      assert.deepEqual([body['code'], body['type']], [code, `urn:mcp-roster:problem:${code}`])
    })
  }
})

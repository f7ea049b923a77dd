import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem, problemBody, problemFrom } from '../../../src/api/http/problem.ts'

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
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SourceError } from '../../../../src/model/source.ts'
import {
  errorForStatus,
  isAuthError,
  isPermanent,
  toSourceError,
} from '../../../../src/sources/kubernetes/connection/kube-api-error.ts'

describe('error of the Kubernetes API', () => {
  for (const [status, kind, errorClass] of [
    [410, 'expired', 'transient'],
    [401, 'unauthorized', 'auth'],
    [403, 'forbidden', 'auth'],
    [404, 'rejected', 'config'],
    [429, 'unavailable', 'transient'],
    [503, 'unavailable', 'transient'],
  ] as const) {
    it(`is ${kind} (${errorClass}) for status ${status}`, () => {
      const error = errorForStatus(status, 'list services')
      assert.deepEqual([error.kind, error.class], [kind, errorClass])
      assert.equal(isPermanent(error), kind === 'forbidden' || kind === 'rejected')
      assert.equal(isAuthError(error), errorClass === 'auth')
    })
  }

  it('honours a Retry-After of up to a minute', () => {
    for (const [header, expected] of [
      ['5', 5],
      ['3600', 60],
      ['0', 0],
      ['-1', undefined],
      ['soon', undefined],
      ['', undefined],
    ] as const) {
      assert.equal(errorForStatus(503, 'list services', header).retry_after, expected, header)
    }
  })

  it('names the code of a network error, and omits its message', () => {
    const error = toSourceError(Object.assign(new Error('secret'), { code: 'ECONNRESET' }), 'list services')
    assert.equal(error.message, 'list services: connection to the API server failed (ECONNRESET)')
  })

  it('keeps a SourceError as it is', () => {
    const error = new SourceError('token missing')
    assert.equal(toSourceError(error, 'list services'), error)
  })
})

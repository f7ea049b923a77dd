import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BlockedError, errorCode, failureReason } from '../../src/outbound/error-reasons.ts'

const withCode = (code: string) => Object.assign(new Error('failed'), { code })

describe('reason of a failed exchange', () => {
  for (const [error, reason] of [
    [new BlockedError('private'), 'blocked'],
    [withCode('ENOTFOUND'), 'dns'],
    [withCode('ECONNREFUSED'), 'refused'],
    [withCode('UND_ERR_CONNECT_TIMEOUT'), 'timeout'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls'],
    [withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls'],
    [withCode('HPE_INVALID_CONSTANT'), 'protocol'],
    [new Error('no code'), 'protocol'],
    ['no error', 'protocol'],
  ] as const) {
    it(`is ${reason} for ${errorCode(error) ?? String(error)}`, () => assert.equal(failureReason(error), reason))
  }

  it('is that of the first of several connection attempts', () => {
    const attempts = new AggregateError([withCode('EHOSTUNREACH'), withCode('ETIMEDOUT')])
    assert.equal(errorCode(attempts), 'EHOSTUNREACH')
  })

  it('is that of the cause where the error itself has no code', () => {
    assert.equal(errorCode(new Error('outer', { cause: withCode('ECONNRESET') })), 'ECONNRESET')
  })

  it('repeats no code that may come from the remote host', () => {
    for (const code of ['secret=4711', 'lower', `A${'B'.repeat(80)}`, 'A B'])
      assert.equal(errorCode(withCode(code)), undefined)
  })
})

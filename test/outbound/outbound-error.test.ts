import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BlockedError } from '../../src/outbound/error-reasons.ts'
import { MalformedResponse, OutboundError, outboundErrorFrom } from '../../src/outbound/outbound-error.ts'

const pending = { abortReason: () => undefined }
const expired = { abortReason: () => new DOMException('expired', 'TimeoutError') }

describe('error of a failed exchange', () => {
  for (const [title, error, deadline, reason, message] of [
    ['names a timeout', new Error('secret'), expired, 'timeout', 'request to example failed: timed out'],
    [
      'names the policy that blocks',
      new BlockedError('denied'),
      pending,
      'blocked',
      'request to example blocked: denied',
    ],
    [
      'names the defect of a response',
      new MalformedResponse('invalid gzip data'),
      pending,
      'protocol',
      'response of example cannot be read: invalid gzip data',
    ],
    [
      'appends the code of the error, and omits its message',
      Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }),
      pending,
      'refused',
      'request to example failed: connection refused (ECONNREFUSED)',
    ],
  ] as const) {
    it(title, () => {
      const converted = outboundErrorFrom('example', error, deadline)
      assert.deepEqual([converted.reason, converted.message], [reason, message])
    })
  }

  it('stays the same once it is an OutboundError', () => {
    const error = new OutboundError('dns', 'as it is')
    assert.equal(outboundErrorFrom('example', error, expired), error)
  })
})

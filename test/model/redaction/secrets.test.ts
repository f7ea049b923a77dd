import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSecretName, redactSecret, redactTokens } from '../../../src/model/redaction/secrets.ts'

describe('isSecretName', () => {
  it('recognises secret names in any spelling', () => {
    const secret = [
      'API_KEY',
      'apiKey',
      'x-api-key',
      'PGPASSWORD',
      'github.token',
      'AUTH',
      'client_secret',
      'accessToken',
      'db-pwd',
    ]
    const plain = [
      'author',
      'key',
      'compass',
      'monkey',
      'max_tokens',
      'tokenizer',
      'pattern',
      'path',
      'signal',
      'passive',
    ]

    assert.deepEqual(
      secret.filter((name) => !isSecretName(name)),
      [],
    )
    assert.deepEqual(plain.filter(isSecretName), [])
  })
})

describe('redactSecret', () => {
  for (const [value, redacted] of [
    ['hunter2', '<redacted>'],
    ['${TOKEN}', '${TOKEN}'],
    ['Bearer ${env:TOKEN}', 'Bearer ${env:TOKEN}'],
    ['${USER}${PASSWORD}', '${USER}${PASSWORD}'],
    ['${TOKEN:-hunter2}', '${TOKEN:-<redacted>}'],
    ['hunter2${X}', '<redacted>'],
    ['', '<redacted>'],
  ] as const) {
    it(`turns ${JSON.stringify(value)} into ${redacted}`, () => assert.equal(redactSecret(value), redacted))
  }
})

describe('redactTokens', () => {
  it('redacts tokens by their format, and leaves other text', () => {
    assert.equal(redactTokens('use ghp_abcdefghijklmnop1234 here'), 'use <redacted> here')
    assert.equal(redactTokens('password=hunter2'), 'password=hunter2')
  })
})

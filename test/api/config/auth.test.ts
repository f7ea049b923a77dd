import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Auth, isToken, tokensOf, weakTokenWarnings } from '../../../src/api/config/auth.ts'

const messagesOf = (auth: unknown) => {
  const { error } = Auth.safeParse(auth)
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('the auth config', () => {
  it('lists the short form as a token with the role admin, before the others', () => {
    const auth = Auth.parse({ token: 'short', tokens: [{ name: 'portal', token: 'long' }] })

    assert.deepEqual(
      tokensOf(auth).map(({ name, role, token }) => [name, role, token]),
      [
        ['admin', 'admin', 'short'],
        ['portal', 'reader', 'long'],
      ],
    )
  })

  it('rejects one token in two grants, naming the first', () => {
    const tokens = ['a', 'b', 'a'].map((token, index) => ({ name: `t${index}`, token }))

    assert.deepEqual(messagesOf({ tokens }), [
      'tokens.2.token: is also the token of auth.tokens[0]; each token may appear once',
    ])
  })

  it('rejects one name in two grants, and the names of the short form and of callers without a token', () => {
    const tokens = ['a', 'b', 'a'].map((name, index) => ({ name, token: `t${index}` }))

    assert.deepEqual(messagesOf({ tokens }), [
      'tokens.2.name: is also the name of auth.tokens[0]; each name may appear once, and a token_file may hold several tokens',
    ])
    assert.match(messagesOf({ tokens: [{ name: 'anonymous', token: 'a' }] }).join(), /tokens\.0\.name: is reserved/)
    const both = { token: 'short', tokens: [{ name: 'admin', token: 'a' }] }
    assert.match(messagesOf(both).join(), /tokens\.0\.name: is the name of auth\.token/)
    assert.deepEqual(messagesOf({ tokens: both.tokens }), [])
  })

  it('rejects the placeholder of the example, with the remedy', () => {
    for (const token of ['change-me', 'changeme', 'CHANGE-ME', 'Change_Me', 'ChangeMe!', '<change-me>'])
      for (const auth of [{ token }, { tokens: [{ name: 'a', token }] }]) {
        assert.match(messagesOf(auth).join(), /token: is the placeholder of the example; .*openssl rand -hex 32/, token)
        assert.ok(!isToken(token))
      }
    assert.deepEqual(messagesOf({ token: 'change-me-7c1f8a' }), [])
  })

  it('warns of tokens that can be guessed', () => {
    const warningsOf = (token: string) => weakTokenWarnings(Auth.parse({ tokens: [{ name: 'a', token }] })).join()

    for (const token of ['x', 'admin', 'Secret1'])
      assert.match(warningsOf(token), /^auth\.tokens\[0\]\.token is short .*openssl rand -hex 32/, token)
    assert.match(warningsOf('password'), /guides publish/)
    assert.equal(warningsOf('let-me-in'), '')
  })

  it('needs exactly one of token and token_file', () => {
    const message = 'tokens.0.token: give either "token" or "token_file"'

    assert.deepEqual(messagesOf({ tokens: [{ name: 'x' }] }), [message])
    assert.deepEqual(messagesOf({ tokens: [{ name: 'x', token: 'a', token_file: '/a' }] }), [message])
  })

  it('accepts tokens of printable ASCII without spaces', () => {
    assert.ok(isToken('c4nary-_~'))
    for (const token of ['', 'a b', 'ä', 'a\n', 'a'.repeat(4097)]) assert.ok(!isToken(token), token)
  })
})

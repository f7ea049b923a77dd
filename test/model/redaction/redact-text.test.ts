import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redactServer } from '../../../src/model/redaction/redact-server.ts'
import { redactText } from '../../../src/model/redaction/redact-text.ts'
import { redactArgs } from '../../../src/model/redaction/redact.ts'
import { server } from '../../builders.ts'

const canary = 'c4nary-do-not-sing'

describe('redactText', () => {
  const secrets = [
    'sk-proj-abcdef1234567890',
    'ghp_abcdefghijklmnop1234',
    'github_pat_11ABCDEFG0abcdefghij',
    'xoxb-123456789-abcdef',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----',
  ]
  for (const secret of secrets) {
    it(`redacts ${secret.slice(0, 12)}… by its format`, () => {
      assert.equal(redactText(`before ${secret} after`), 'before <redacted> after')
    })
  }

  it('redacts passwords, query secrets and bearer tokens in messages, and leaves the rest', () => {
    assert.equal(
      redactText(`GET https://bob:${canary}@x.example:8443/a?b=1&token=${canary}#c failed: Bearer ${canary} refused`),
      'GET https://bob:<redacted>@x.example:8443/a?b=1&token=<redacted>#c failed: Bearer <redacted> refused',
    )
    assert.equal(redactText(`authorization: Basic ${canary}`), 'authorization: <redacted>')
    for (const name of ['x-auth', 'X-Foo-Auth', 'x-apikey', 'x-usertoken', 'Set-Cookie', 'proxy-authorization']) {
      assert.equal(redactText(`sent ${name}: hunter22`), `sent ${name}: <redacted>`)
    }
    assert.equal(redactText(`{"password": "${canary}", "a": "b"}`), '{"password": "<redacted>", "a": "b"}')
    assert.equal(redactText('postgres://bob@db:5432/x?sslmode=require'), 'postgres://bob@db:5432/x?sslmode=require')
    assert.equal(redactText('auth.token: must be text, not a number'), 'auth.token: must be text, not a number')
    assert.equal(redactText('http://${USER}:${PASS}@host/'), 'http://${USER}:${PASS}@host/')
  })

  /** Pieces that begin what a pattern looks for, and never end it. */
  const pieces = [
    'a://b:',
    'a://b:c/',
    'a://b',
    'x=',
    'x="',
    '%%',
    '"a":"',
    `"a":"\\"`,
    '--token ',
    '-pA ',
    'Bearer ',
    'eyJ',
    'eyJ-',
    'eyJabcdefg-',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    'a@',
    '://#0A',
    '#0123456789abcdefA',
    'x-',
    'x-key ',
    'cookie ',
    '   ',
    '\n',
    '\v\n',
    'a: |\n',
    'sk-',
    'SG.aaaaaaaa-',
    'https://hooks.slack.com/services/',
    '${A:-',
    '"\\" ',
    '-a="\\"',
    "'a ",
    '-sSu ',
    'curl -b ',
    '/curl',
    'echo a --stdin|',
    'echo ',
    '<<<',
    'a[a]',
    'a[',
    '%26a=',
    '%25',
    'a%26a%3D',
    '://a/hooks/',
    '://a?0a',
    '/hooks/',
    '://hooks.slack.com/',
  ]
  for (const [name, wrap] of Object.entries({
    'in a message': (text: string) => redactText(text),
    'in an argument': (text: string) => redactArgs([text]),
    'in an annotation': (text: string) => redactServer(server({ annotations: { note: text } })),
    'in an annotation of a secret map': (text: string) => redactServer(server({ annotations: { 'mcp.env': text } })),
    'in a schema': (text: string) => redactServer(server({ metadata: { schema: { description: text } } })),
  })) {
    it(`redaction takes time linear in the length of a text ${name}`, () => {
      for (const piece of pieces) {
        for (const text of [piece.repeat(65_000 / piece.length), `a=b\n${piece.repeat(250_000 / piece.length)}\0`]) {
          const start = process.cpuUsage()
          wrap(text)
          const took = process.cpuUsage(start).user / 1000

          assert.ok(took < 300, `${JSON.stringify(piece)}, ${text.length} characters: ${took} ms of work`)
        }
      }
    })
  }
})

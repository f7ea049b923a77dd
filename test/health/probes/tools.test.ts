import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { capabilitiesOf, sanitizeText } from '../../../src/health/probes/tools.ts'
import { Capability } from '../../../src/model/capability.ts'

describe('tools of a probed server', () => {
  it('become capabilities', () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } } }

    assert.deepEqual(capabilitiesOf([{ name: 'add', description: 'adds', inputSchema: schema, extra: 1 }]), [
      Capability.parse({
        name: 'add',
        description: 'adds',
        input_schema: schema,
        kind: 'tool',
        origin: 'introspected',
      }),
    ])
  })

  it('are limited to five hundred, a kilobyte of text, and a small and shallow schema', () => {
    const deep = JSON.parse('{"a":'.repeat(5000) + '1' + '}'.repeat(5000)) as object
    const wide = { enum: Array.from({ length: 10_000 }, (_, index) => index) }
    const meddling = JSON.parse('{"__proto__":{"polluted":true}}') as object
    const tools = [deep, wide, meddling, 'text', [1]].map((inputSchema, index) => ({ name: `t${index}`, inputSchema }))

    for (const capability of capabilitiesOf(tools)) assert.equal(capability.input_schema, undefined, capability.name)
    assert.equal(capabilitiesOf(tools).length, 5)
    assert.equal(capabilitiesOf(Array.from({ length: 2000 }, (_, index) => ({ name: `t${index}` }))).length, 500)
    const [long] = capabilitiesOf([{ name: 'long', description: '\u{1f600}'.repeat(100_000) }])
    assert.ok(Buffer.byteLength(long?.description ?? '') <= 1024)
    assert.ok(long?.description?.isWellFormed() && !long.description.includes('\ufffd'))
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  it('have prompts and resources beside them, within the same limits', () => {
    const args = [null, 'text', { name: 1 }, { name: '__proto__', required: true }, { name: 'city', required: true }]
    const many = Array.from({ length: 5000 }, (_, index) => ({ name: `a${index}` }))
    const [odd, long, none] = capabilitiesOf(
      [
        { name: 'odd', arguments: args, description: 1 },
        { name: 'long', arguments: many },
        { name: 'none', arguments: {} },
      ],
      'prompt',
    )
    assert.deepEqual(odd?.input_schema, {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    })
    assert.equal(Object.keys(long?.input_schema?.['properties'] ?? {}).length, 100)
    assert.deepEqual([odd?.description, none?.input_schema], [undefined, undefined])

    const resources = [
      { uri: 'a:1', name: 'one', mimeType: 'text/\u001bplain' },
      { uri: 'a:2', name: 'two', description: 'see https://me:c4nary-9@host/', mimeType: 7 },
      { uri: 'a:3', name: 'a:3' },
    ]
    assert.deepEqual(
      capabilitiesOf(resources, 'resource').map(({ description, mime_type }) => [description, mime_type]),
      [
        ['one', 'text/ plain'],
        ['see https://me:<redacted>@host/', undefined],
        [undefined, undefined],
      ],
    )
  })

  it('are rejected one by one', () => {
    const tools = [
      null,
      1,
      'x',
      {},
      { name: 1 },
      { name: '' },
      { name: '\u0007' },
      { name: 'x'.repeat(300) },
      { name: 'good' },
      { name: 'good' },
    ]

    assert.deepEqual(
      capabilitiesOf(tools).map(({ name }) => name),
      ['good'],
    )
  })

  it('lose control characters in their texts', () => {
    assert.equal(sanitizeText('a\u001b[31mred\u0000\r\nb\u2028c\u202ed\u0085e'), 'a [31mred b c d e')
    assert.equal(sanitizeText('half \ud83d!'), 'half \ufffd!')
    assert.equal(sanitizeText(undefined), undefined)
  })
})

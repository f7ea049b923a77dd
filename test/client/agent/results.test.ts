import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type CallToolResult, Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createAgent } from '../../../src/client/agent/index.ts'
import { startHere } from '../../in-process-daemon.ts'

class Money {
  toJSON() {
    return { amount: 5, currency: 'CHF' }
  }
}

const circle: Record<string, unknown> = {}
circle['self'] = circle

/** By name: what the tool returns, the text and the structured content of its answer; `error` where it is one. */
const cases: Record<string, readonly [value: unknown, text: string | RegExp, structured?: unknown]> = {
  date: [new Date(0), '1970-01-01T00:00:00.000Z'],
  class_with_toJSON: [new Money(), '{"amount":5,"currency":"CHF"}', { amount: 5, currency: 'CHF' }],
  url: [new URL('http://a.example/'), 'http://a.example/'],
  map: [new Map([['a', new Set([1])]]), '{"a":[1]}', { a: [1] }],
  set: [new Set([1, 2]), '[1,2]', { result: [1, 2] }],
  bigint: [12345678901234567890n, '12345678901234567890'],
  nested: [
    { at: new Date(0), big: 5n, gone: undefined },
    '{"at":"1970-01-01T00:00:00.000Z","big":"5"}',
    { at: '1970-01-01T00:00:00.000Z', big: '5' },
  ],
  not_a_number: [Number.NaN, 'null', { result: null }],
  number: [7, '7', { result: 7 }],
  list: [[1], '[1]', { result: [1] }],
  nothing: [undefined, ''],
  symbol: [Symbol('x'), /^the result of symbol cannot be written as JSON: it is a symbol$/, 'error'],
  function_value: [() => 1, /^the result of function_value cannot be written as JSON: it is a function$/, 'error'],
  circle: [circle, /^the result of circle cannot be written as JSON: .*circular/, 'error'],
  answer: [{ content: [{ type: 'text', text: 'own' }], structuredContent: new Map([['a', 1]]) }, 'own', { a: 1 }],
  wrong_answer: [
    { content: [{ type: 'text', text: 'own' }], structuredContent: new Date(0) },
    /^the structuredContent of wrong_answer must be an object/,
    'error',
  ],
}

describe('what a tool of an agent returns', () => {
  const opened = new AsyncDisposableStack()
  let call: (name: string) => Promise<CallToolResult>

  before(async () => {
    const daemon = opened.use(await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n'))
    const agent = opened.use(createAgent({ id: 'agent', roster: daemon.url, signals: false }))
    for (const [name, [value]] of Object.entries(cases)) agent.tool(name, {}, () => value)
    await agent.start()
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', agent.url)))
    opened.defer(async () => await client.close())
    call = async (name) => await client.callTool({ name, arguments: {} })
  })

  after(async () => await opened.disposeAsync())

  for (const [name, [, text, structured]] of Object.entries(cases))
    it(`is an answer of the protocol that can be read: ${name}`, async () => {
      const { content, structuredContent, isError = false } = await call(name)

      const [first] = content
      const shown = first?.type === 'text' ? first.text : ''
      if (typeof text === 'string') assert.equal(shown, text)
      else assert.match(shown, text)
      assert.equal(isError, structured === 'error')
      assert.deepEqual(structuredContent, structured === 'error' ? undefined : structured)
    })
})

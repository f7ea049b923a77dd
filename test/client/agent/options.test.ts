import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import * as z from 'zod'
import { AgentError, createAgent, meshAgent } from '../../../src/client/agent/index.ts'

type Loose = (...args: unknown[]) => unknown

/** The message of the `invalid_option` that a call throws. */
function refusalOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error))
    assert.equal(error.code, 'invalid_option')
    return error.message
  }
  throw new assert.AssertionError({ message: 'was accepted' })
}

const create = createAgent as unknown as Loose
const toolOf = (...args: unknown[]) => (createAgent({ id: 'a' }).tool as unknown as Loose)(...args)
const run = () => 1

describe('createAgent', () => {
  for (const [name, options, message] of [
    ['no options', undefined, /createAgent needs options, at least \{ id \}, not undefined/],
    ['an id that is no text', { id: 5 }, /"id" is needed: a name that is unique in the mesh/],
    [
      'an unknown option',
      { id: 'a', health_intervall: 1 },
      /unknown option "health_intervall"; did you mean "health_interval"\?/,
    ],
    ['an option of nothing', { id: 'a', foo: 1 }, /unknown option "foo"/],
    ['tags that are no list', { id: 'a', tags: 'x' }, /"tags" must be a list of texts, not "x"/],
    ['labels with a number', { id: 'a', labels: { a: 1 } }, /"labels" must be an object of texts, not \{"a":1\}/],
    ['a version that is no text', { id: 'a', version: 1 }, /"version" must be text that is not empty, not 1/],
    ['a check that is no function', { id: 'a', check: true }, /"check" must be a function, not true/],
    ['a signal that is none', { id: 'a', signal: {} }, /"signal" must be an AbortSignal, not \{\}/],
    ['signals that are no boolean', { id: 'a', signals: 'no' }, /"signals" must be true or false, not "no"/],
    ['hosts that are no list', { id: 'a', hosts: 'x' }, /"hosts" must be a list of texts/],
    ['a port that is text', { id: 'a', port: '80' }, /"port" must be a number from 0 to 65535, not "80"/],
    ['an interval that is no number', { id: 'a', health_interval: Number.NaN }, /"health_interval" must be a number/],
    ['a threshold that is no number', { id: 'a', timeout_threshold: 'x' }, /"timeout_threshold" must be a number/],
    ['a value that JSON cannot write', { id: 'a', tags: 5n }, /"tags" must be a list of texts, not 5/],
  ] as const) {
    it(`names the problem of ${name} at the call`, () => {
      assert.match(
        refusalOf(() => create(options)),
        message,
      )
    })
  }

  for (const token of ['sekret\nx', 'sekret\u0000', 'sekret€', { secret: 'sekret' }, ''])
    it(`refuses a token that no header can carry without showing it: ${JSON.stringify(token)}`, () => {
      const message = refusalOf(() => create({ id: 'a', token }))

      assert.match(message, /"token" must be text of one line, in the characters of HTTP headers, or a function/)
      assert.doesNotMatch(message, /sekret/)
    })

  it('takes an option that is undefined for one that is left out', () => {
    assert.equal((create({ id: 'a', tags: undefined, check: undefined }) as { id: string }).id, 'a')
  })

  it('returns an agent that can be printed and written as JSON before it starts', () => {
    const agent = createAgent({ id: 'a' })

    assert.equal(agent.url, undefined)
    assert.match(inspect(agent, { getters: true }), /id: 'a'/)
    assert.equal(JSON.stringify(agent), '{"id":"a"}')
  })
})

describe('agent.tool', () => {
  for (const [name, args, message] of [
    ['an empty name', ['', {}, run], /the name of a tool must be a text of 1 to 128 .*, not ""/],
    ['a name that is no text', [undefined, {}, run], /the name of a tool must be a text of 1 to 128 .*, not undefined/],
    ['a name of 129 characters', ['x'.repeat(129), {}, run], /the name of a tool must be a text of 1 to 128/],
    ['no function', ['t', {}], /the tool "t" needs a function: agent\.tool\(name, options, function\)/],
    ['a function in the place of the options', ['t', run], /the tool "t" needs options, \{\} for none/],
    [
      'an unknown option',
      ['t', { dependencys: [] }, run],
      /the tool "t": unknown option "dependencys"; did you mean "dependencies"\?/,
    ],
    ['a schema that is a number', ['t', { schema: 5 }, run], /the tool "t": "schema" must be .*, not 5/],
    [
      'a schema of no object',
      ['t', { schema: { type: 'string' } }, run],
      /"schema" must be .*, not \{"type":"string"\}/,
    ],
    [
      'a schema of zod that is of no object',
      ['t', { schema: z.string() }, run],
      /"schema" must be .* of an object, not one of "string"/,
    ],
    [
      'a schema that cannot be shown',
      ['t', { schema: z.object({ d: z.date() }) }, run],
      /"schema" cannot be shown as JSON Schema: .*; give "json_schema"/,
    ],
    ['a JSON Schema that is none', ['t', { json_schema: 'x' }, run], /"json_schema" must be/],
    [
      'dependencies that are no list',
      ['t', { dependencies: 'clock' }, run],
      /"dependencies" must be a list, not "clock"/,
    ],
    [
      'a dependency without a capability',
      ['t', { dependencies: ['a', {}] }, run],
      /"dependencies\[1\]" must be the name of a capability, or an object with "capability"/,
    ],
    [
      'a dependency with an unknown field',
      ['t', { dependencies: [{ capability: 'a', requird: true }] }, run],
      /"dependencies\[0\]": unknown option "requird"; did you mean "required"\?/,
    ],
    [
      'a dependency that is required by text',
      ['t', { dependencies: [{ capability: 'a', required: 'yes' }] }, run],
      /"dependencies\[0\]": "required" must be true or false/,
    ],
    ['tags that are no list', ['t', { tags: 'x' }, run], /"tags" must be a list of texts/],
    [
      'a version that cannot be compared',
      ['t', { version: 'abc' }, run],
      /"version" must be a version such as 1\.2\.0, not "abc"/,
    ],
    ['kwargs that are no object', ['t', { kwargs: [] }, run], /"kwargs" must be an object/],
    ['a description that is no text', ['t', { description: 5 }, run], /"description" must be text/],
  ] as const) {
    it(`names the problem of ${name} at the call`, () => {
      assert.match(
        refusalOf(() => toolOf(...args)),
        message,
      )
    })
  }

  for (const name of ['toString', '__proto__', 'constructor', 'hasOwnProperty'])
    it(`refuses the name ${name}, which the server library takes for a tool of that name`, () => {
      assert.match(
        refusalOf(() => toolOf(name, {}, run)),
        new RegExp(`no tool can be named "${name}": .*JavaScript`),
      )
    })

  it('takes names that MCP allows, and frameworks do not', () => {
    for (const name of ['a.b', '-', 'x'.repeat(128)]) assert.equal(toolOf(name, {}, run), undefined)
  })
})

it('agent.wrap names what it cannot wrap', () => {
  const wrap = createAgent({ id: 'a' }).wrap as unknown as Loose

  assert.match(
    refusalOf(() => wrap()),
    /wrap needs an MCP server, or a function that makes one, not undefined/,
  )
  assert.match(
    refusalOf(() => wrap({}, { who: 5 })),
    /wrap needs an object with the options of each tool, not \{"who":5\}/,
  )
})

it('meshAgent names an unknown option, and one of its function', () => {
  const loose = meshAgent as unknown as Loose
  assert.match(
    refusalOf(() => loose({ agent_name: 'm1', health_intervall: 1 }, run)),
    /unknown option "health_intervall"; did you mean "health_interval"\?/,
  )
  assert.match(
    refusalOf(() => loose({ agent_name: 'm2', auto_start: false, dependencies: 'clock' }, run)),
    /"dependencies" must be a list/,
  )
  assert.match(
    refusalOf(() => loose({ agent_name: 'm3', auto_start: false, capabilities: 'x' }, run)),
    /"capabilities" must be a list of texts/,
  )
  assert.match(
    refusalOf(() => loose()),
    /meshAgent needs options/,
  )
})

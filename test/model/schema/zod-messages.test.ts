import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zodMessage } from '../../../src/model/schema/zod-messages.ts'
import { ServerDefinition } from '../../../src/model/server.ts'

/** A field, its value, and the message about it. */
const table: readonly (readonly [field: string, value: unknown, expected: string])[] = [
  ['name', 7n, 'name: must be text, not bigint'],
  ['name', '', 'name: must not be empty'],
  ['title', 'x'.repeat(254), 'title: must be at most 253 characters long'],
  ['title', ['x'], 'title: must be text, not a list'],
  ['tags', 'geo', 'tags: must be a list, not text'],
  ['tags', [{}], 'tags.0: must be text, not a map'],
  ['tags', Array.from({ length: 257 }, () => 'x'), 'tags: must hold at most 256 entries'],
  ['headers', 'Authorization: x', 'headers: must be a map, not text'],
  ['headers', { Authorization: ['x'] }, 'headers.Authorization: must be text, not a list'],
  ['enabled', 'perhaps', 'enabled: must be true or false, not text'],
  ['type', 'carrier pigeon', 'type: must be one of stdio, http, sse'],
  ['health_check', {}, 'health_check: must be one of mcp, http, tcp, none'],
  ['health_check_interval', 'often', 'health_check_interval: must be a number, not text'],
  ['health_check_interval', 1e9, 'health_check_interval: must be at most 86400'],
  ['max_retries', -1, 'max_retries: must be at least 0'],
  ['max_retries', 1.5, 'max_retries: must be a whole number'],
  [
    'labels',
    { env: 'not a value' },
    'labels.env: invalid label value: must be at most 63 letters, digits, "-", "_", "."',
  ],
]

describe('the message about an invalid field', () => {
  for (const [field, value, expected] of table) {
    it(`is "${expected}"`, () => {
      const { error } = ServerDefinition.safeParse(
        { name: 'weather', url: 'http://weather.example/mcp', [field]: value },
        { error: zodMessage },
      )
      assert.deepEqual(
        error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
        [expected],
      )
    })
  }

  it('names the missing command and url of a server without either', () => {
    const { error } = ServerDefinition.safeParse({ name: 'b', comand: 'npx' }, { error: zodMessage })
    assert.deepEqual(
      error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
      ['type: has neither a command nor a url'],
    )
  })

  it('names a missing field', () => {
    const { error } = ServerDefinition.safeParse({ url: 'http://weather.example/mcp' }, { error: zodMessage })
    assert.deepEqual(
      error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
      ['name: is needed'],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runToCompletion } from '../../../../src/flow/cooperative.ts'
import type { Entry } from '../../../../src/model/source.ts'
import { readDocument } from '../../../../src/sources/documents/read.ts'
import { locateJson } from '../../../../src/sources/documents/syntax/json-locations.ts'

const quirks = ['plain', 'a"b', 'back\\slash\\', '{', ']', ',', ':', '//', 'ü\u2028', '', '\n']

const whereIn = (entry: Entry) => ('where' in entry ? entry.where : undefined)

describe('the JSON locator', () => {
  for (const [what, text, ...wheres] of [
    ['a map', { servers: { a: {}, b: {} } }, 'line 3, servers.a', 'line 4, servers.b'],
    ['the map of VS Code', { mcp: { servers: { a: {} } } }, 'line 4, mcp.servers.a'],
    ['a list', { servers: [{ name: 'a' }, { name: 'b' }] }, 'line 3, servers[0]', 'line 6, servers[1]'],
    ['a bare list', [{ name: 'a' }, 7, { name: 'b' }], 'line 2, [0]', 'line 5, [1]', 'line 6, [2]'],
    ['one server', { name: 'a', command: 'x' }, 'line 1'],
  ] as const) {
    it(`finds the lines of ${what}`, async () => {
      const entries = await readDocument(JSON.stringify(text, null, 2), { format: 'json' })
      assert.deepEqual(entries.map(whereIn), wheres)
    })
  }

  it('finds lines between comments, and ignores brackets in texts', async () => {
    const text = `// {"a"
{ /* "x": [
  */ "servers": {
    "a": { "command": "x", "args": ["}", "\\\\", "\\"", "],"], },
    // "b": {}
    "b": 7,
  },
}`
    const entries = await readDocument(text, { format: 'json' })
    assert.deepEqual(entries.map(whereIn), ['line 4, servers.a', 'line 6, servers.b'])
  })

  it('finds the same lines in random documents as a plain search', () => {
    let seed = 7
    const random = (most: number) => (seed = (seed * 48_271) % 2_147_483_647) % most
    const made = (depth: number): unknown => {
      const kind = random(depth > 5 ? 3 : 6)
      if (kind === 0) return quirks[random(quirks.length)]
      if (kind === 1) return random(1000) - 500
      if (kind === 2) return [true, null, false][random(3)]
      const parts = Array.from({ length: random(4) }, () => made(depth + 1))
      if (kind === 3) return parts
      return Object.fromEntries(parts.map((part) => [`${quirks[random(quirks.length)]}${random(9)}`, part]))
    }
    for (let round = 0; round < 500; round += 1) {
      const document = { first: made(0), list: [made(1), made(1)], second: made(0) }
      const text = JSON.stringify(document, null, 1)
      const locate = runToCompletion(locateJson(text))
      for (const [name, part] of Object.entries(document)) {
        const line = text.split('\n')[(locate([name]) ?? 0) - 1]
        assert.ok(line?.startsWith(` ${JSON.stringify(name)}: `), `${name} in ${text}`)
        if (typeof part !== 'object' || part === null || Array.isArray(part)) continue
        for (const key of Object.keys(part)) {
          const below = text.split('\n')[(locate([name, key]) ?? 0) - 1]
          assert.ok(below?.startsWith(`  ${JSON.stringify(key)}: `), `${name}.${key} in ${text}`)
        }
      }
    }
  })
})

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { SourceError } from '../../../src/model/source.ts'
import { parseThreads } from '../../../src/sources/documents/parse-queue.ts'
import { readDocument } from '../../../src/sources/documents/read.ts'
import { definitionsIn } from './definitions.ts'

after(() => parseThreads.end())

describe('a document that lists servers', () => {
  it('may be a map under servers, and locates each entry', async () => {
    const [entry, bad] = await readDocument(
      '# ours\nservers:\n  hammerspace:\n    command: python\n    args: ["-m", "hammerspace"]\n    health_check_interval: 30\n  bad: 3\n',
    )
    const value = { name: 'hammerspace', command: 'python', args: ['-m', 'hammerspace'], health_check_interval: 30 }
    assert.deepEqual(entry, { value, where: 'line 3, servers.hammerspace' })
    assert.deepEqual(bad, {
      problem: 'must be a map of fields, not a number',
      name: 'bad',
      where: 'line 7, servers.bad',
    })
  })

  const forms: Record<string, [text: string, servers: Record<string, unknown>[]]> = {
    'a list under servers': [
      'servers:\n- {name: a, url: "http://a/mcp"}\n',
      [{ name: 'a', type: 'http', url: 'http://a/mcp' }],
    ],
    'no servers, as a map': ['servers: {}', []],
    'no servers, as a list': ['[]', []],
    'a bare list': ['[{"name": "a", "command": "x"}]', [{ name: 'a', type: 'stdio', command: 'x' }]],
    'a bare server': ['name: a\ncommand: x\n', [{ name: 'a', command: 'x' }]],
    'a bare map of servers': [
      'a: {command: x}\nb: {url: "https://b/mcp"}\n',
      [{ name: 'a' }, { name: 'b', type: 'http' }],
    ],
    'several YAML documents': [
      '---\nservers: {a: {command: x}}\n---\n---\nname: b\ncommand: y\n',
      [{ name: 'a' }, { name: 'b' }],
    ],
    'YAML with anchors and merge keys': [
      'x-all: &all {command: npx, tags: [t]}\nservers:\n  a: {<<: *all, args: [a]}\n  b: {<<: *all, command: uvx}\n',
      [
        { name: 'a', command: 'npx', args: ['a'], tags: ['t'] },
        { name: 'b', command: 'uvx', tags: ['t'] },
      ],
    ],
    'mcpServers of Claude Desktop': [
      '{"mcpServers": {"file system": {"command": "npx", "args": ["-y", "fs"], "env": {"KEY": "${KEY}"}}}}',
      [{ name: 'file system', type: 'stdio', command: 'npx', env: { KEY: '${KEY}' } }],
    ],
    'mcpServers of Cursor and Cline': [
      '{"mcpServers": {"a": {"url": "https://a/mcp"}, "b": {"command": "b", "disabled": true, "transportType": "stdio"}}}',
      [
        { name: 'a', type: 'http', enabled: true },
        { name: 'b', enabled: false, type: 'stdio' },
      ],
    ],
    'serverUrl of Windsurf, httpUrl of Gemini': [
      '{"mcpServers": {"a": {"serverUrl": "https://a/mcp"}, "b": {"httpUrl": "https://b/mcp"}, "c": {"url": "https://c/sse", "type": "sse"}}}',
      [
        { name: 'a', url: 'https://a/mcp' },
        { name: 'b', url: 'https://b/mcp', type: 'http' },
        { name: 'c', type: 'sse' },
      ],
    ],
    'a command that is a list': [
      '{"mcpServers": {"a": {"type": "local", "command": ["npx", "-y", "a"], "environment": {"K": "v"}}}}',
      [{ name: 'a', type: 'stdio', command: 'npx', args: ['-y', 'a'], env: { K: 'v' } }],
    ],
    "VS Code's mcp.json, with comments, trailing commas and inputs": [
      '{\n  // ours\n  "inputs": [{"id": "key", "type": "promptString", "password": true}],\n  "servers": {"a": {"type": "http", "url": "https://a//mcp", "headers": {"X-Key": "${input:key}"},},},\n}\n',
      [{ name: 'a', url: 'https://a//mcp', headers: { 'X-Key': '${input:key}' } }],
    ],
    "VS Code's settings": ['{"mcp": {"servers": {"a": {"command": "x"}}}}', [{ name: 'a' }]],
    'the map that another roster gives at /discover': [
      '{"servers": {"team-a/weather": {"name": "weather", "namespace": "team-a", "url": "https://w/mcp"}}}',
      [{ name: 'weather', namespace: 'team-a' }],
    ],
    'a key that wins over the field name': [
      '{"servers": {"weather": {"name": "The Weather", "url": "https://w/mcp"}}}',
      [{ name: 'weather', title: 'The Weather' }],
    ],
    'a text that begins with a byte order mark': ['\uFEFFservers: {a: {command: x}}', [{ name: 'a' }]],
  }

  for (const [form, [text, servers]] of Object.entries(forms)) {
    it(`may be ${form}`, async () => {
      const read = definitionsIn(await readDocument(text))
      assert.equal(read.length, servers.length)
      for (const [index, server] of servers.entries()) assert.partialDeepStrictEqual(read[index], server)
    })
  }

  it('may be given as bytes', async () => {
    assert.deepEqual(await readDocument(Buffer.from('\uFEFFservers: {é: {command: x}}')), [
      { value: { name: 'é', command: 'x' }, where: 'line 1, servers.é' },
    ])
  })
})

describe('an invalid document', () => {
  const refused: Record<string, [text: string | Buffer, message: RegExp, where?: string]> = {
    'an empty one': ['', /^document is blank/],
    'one of white space': [' \n\t\n', /^document is blank/],
    'one of comments': ['# nothing yet\n', /^document is blank/],
    'one whose servers are blank': ['a: 1\nservers:\n', /^servers is blank; write `\{\}`/, 'line 2, servers'],
    'one of another form': ['kind: Pod\nspec: {}\n', /expected `servers:`.*found a map with `kind`, `spec`$/],
    'a text': ['hello', /found text$/],
    'a map without anything': ['{}', /found an empty map$/],
    'a bracket without its end': [
      'servers:\n  a: {command: x\n  b: 1\n',
      /not closed: } is missing/,
      'line 2, column 6',
    ],
    'a bracket without its end, last': [
      'servers:\n  a:\n    tags: [x\n',
      /not closed: ] is missing/,
      'line 3, column 11',
    ],
    'a quote without its end': ['servers:\n  a: "x\n  b: 1\n', /not closed: " is missing/, 'line 2, column 6'],
    'a bracket in one without its end': ['a: { b: [c }\n', /not closed: ] is missing/, 'line 1, column 9'],
    'a tab': ['servers:\n\ta: 1\n', /indented with a tab/, 'line 2, column 1'],
    'YAML with a key twice': ['servers:\n  a: {command: x}\n  a: {command: y}\n', /same key twice/, 'line 3, column 3'],
    'YAML with a tag of its own': ['servers: !!js/function "x"\n', /tag/, 'line 1, column 10'],
    'YAML with something behind it': ['servers: {}\n]\n', /unexpected token/, 'line 2, column 1'],
    'an alias to nothing': ['servers: *none\n', /unknown anchor/, 'line 1, column 10'],
    'JSON with a server twice': [
      '{"servers": {\n  "a": {"command": "x"},\n  "\\u0061": {"command": "y"}\n}}',
      /same key twice/,
      'line 3',
    ],
    'JSON with a server twice, on one line': [
      '{"servers": {"a": {"command": "x"}, "a": {}}}',
      /same key twice/,
      'line 1',
    ],
    'JSON that ends too early': ['{"servers": {"a": {"command": "x"', /^JSON ends too early$/, 'line 1, column 34'],
    'JSON with something behind it': ['{"servers": {}}\n}', /^invalid JSON$/, 'line 2, column 1'],
    'JSON without a comma': ['{"servers": {\n  "a": "b" "c"}}', /^invalid JSON$/, 'line 2, column 12'],
    'NUL bytes': ['servers: {}\0', /NUL bytes/],
    'not UTF-8': [Buffer.from([0x73, 0xff, 0xfe]), /not valid UTF-8/],
    'five thousand brackets': ['['.repeat(5000), /nested deeper/],
    'a thousand dashes': [`${'- '.repeat(1000)}x`, /nested deeper/],
    'a thousand keys each below the last': [
      Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
      /nested deeper/,
    ],
    'a bomb of aliases': [bomb(), /more than 1000000 values/],
    'an alias to itself': ['a: &a [*a]\n', /unknown anchor/, 'line 1, column 8'],
    'a scalar of 10 MB': [`servers: {a: {command: "${'x'.repeat(10 * 1024 * 1024)}"}}`, /too large: 10\.0 MiB/],
  }

  for (const [what, [text, message, where]] of Object.entries(refused)) {
    it(`is rejected at once, with the reason, when it is ${what}`, async () => {
      const start = process.cpuUsage()
      const error = await readDocument(text).then(
        () => assert.fail('it was read'),
        (error: unknown) => error,
      )
      const took = process.cpuUsage(start).user / 1000
      assert.ok(error instanceof SourceError, String(error))
      assert.match(error.message, message)
      assert.equal(error.class, 'config')
      if (where !== undefined) assert.equal(error.where, where)
      assert.ok(took < 1000, `took ${took} ms of work`)
    })
  }

  it('is never quoted in the error', async () => {
    const broken = [
      '{"token": sk-canary}',
      'token: "sk-canary\nx: 1',
      'a: *sk-canary',
      'sk-canary: 1\n]sk-canary',
      '"sk-canary',
      '!sk-canary x',
      '%sk-canary\n---\n',
      '&sk-canary &b x',
      'a:\n  - b\n sk-canary: 1',
      '"\\sk-canary"',
      '{"a": "sk-canary" "b"}',
    ]
    for (const text of broken) {
      const error = await readDocument(text).then(
        () => assert.fail('it was read'),
        (error: unknown) => error,
      )
      assert.ok(error instanceof SourceError)
      assert.doesNotMatch(`${error.message} ${error.where} ${error.excerpt} ${String(error.cause)}`, /canary|sk-/, text)
    }
  })
})

describe('the excerpt of a broken line', () => {
  const excerpts: Record<string, [text: string, excerpt: string | undefined]> = {
    'keeps fields and brackets': ['servers:\n  a:\n    tags: [my tag, b\n', 'tags: ▸[…, …'],
    'hides the server and the header': [
      'servers: { weather: { headers: { X-Key: pa]ss }\n',
      'servers: { …: { headers: ▸{ …: …]… }',
    ],
    'hides what stands in quotes': [
      '{"servers": {"a": {"url": "http://u:p@h:1/[x]" "command"}}}',
      '{"servers": {"…": {"url": "…" ▸"command"}}}',
    ],
    'shows a tab': ['servers:\n\turl: x\n', '▸⇥url: …'],
    'is absent where nothing may be shown': ['servers: {}\n*secret\n', undefined],
    'shows no word of a secret of several': ['servers:\n a: [correct horse: battery, staple\n', '…: ▸[…: …, …'],
  }
  for (const [what, [text, excerpt]] of Object.entries(excerpts))
    it(what, async () => {
      await assert.rejects(readDocument(text), (error: SourceError) => {
        assert.equal(error.excerpt, excerpt)
        return true
      })
    })
})

describe('an entry with invalid data', () => {
  const flaws: Record<string, [server: string, problem: RegExp]> = {
    blank: ['', /not blank/],
    'a list': ['[1]', /not a list/],
    'a text': ['"http://a/mcp"', /not text/],
    'not a number': ['{command: x, retry_delay: .nan}', /not finite/],
    endless: ['{command: x, retry_delay: 1e999}', /not finite/],
    'too deep': [`{command: x, metadata: ${'['.repeat(70).concat(']'.repeat(70))}}`, /nested deeper/],
    'a prototype': ['{command: x, __proto__: {polluted: true}}', /"__proto__", which is not allowed/],
    'a constructor below': ['{command: x, metadata: {constructor: {prototype: {polluted: true}}}}', /"constructor"/],
  }

  for (const [what, [server, problem]] of Object.entries(flaws)) {
    it(`is rejected when it is ${what}, and its neighbours stay`, async () => {
      const text = `servers:\n  good: {command: x}\n  bad: ${server}\n  fine: {command: y}\n`
      const read = readDocument(text)
      if (what === 'too deep') return assert.rejects(read, /nested deeper/)
      const [good, bad, fine] = await read
      assert.ok(good && 'value' in good && fine && 'value' in fine)
      assert.ok(bad && 'problem' in bad, JSON.stringify(bad))
      assert.match(bad.problem, problem)
      assert.equal(bad.name, 'bad')
      assert.equal(bad.where, 'line 3, servers.bad')
    })
  }

  it('is rejected in JSON at any depth', async () => {
    const [list, map] = await readDocument(
      `[${'['.repeat(5000)}${']'.repeat(5000)}, {"a": ${'['.repeat(5000)}${']'.repeat(5000)}}]`,
    )
    assert.ok(list && 'problem' in list && map && 'problem' in map)
    assert.equal(list.problem, 'must be a map of fields, not a list')
    assert.equal(map.problem, 'is nested deeper than 64 levels')
  })

  it('cannot be named __proto__ in JSON or YAML, and changes no prototype', async () => {
    for (const text of [
      '{"servers": {"__proto__": {"polluted": true}, "a": {"command": "x"}}}',
      'servers:\n  __proto__: {polluted: true}\n  a: {command: x}\n',
    ]) {
      const [refused, good] = await readDocument(text)
      assert.ok(refused && 'problem' in refused)
      assert.equal(refused.problem, 'the name "__proto__" is not allowed for a server')
      assert.ok(good && 'value' in good)
    }
    assert.equal('polluted' in {}, false)
  })
})

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 10; level++)
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`)
  return `${lines.join('\n')}\nservers: *a9\n`
}

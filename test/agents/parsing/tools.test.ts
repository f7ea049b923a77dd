import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegistrationProblem } from '../../../src/agents/errors.ts'
import { parseMeshFields } from '../../../src/agents/parsing/mesh-fields.ts'
import { neededCapabilities, offeredCapabilities } from '../../../src/agents/parsing/tools.ts'

const toolsOf = (...tools: readonly unknown[]) => parseMeshFields({ tools }, undefined).tools
const toolOf = (fields: object) => toolsOf({ function_name: 'f', ...fields })[0]!
const dependencyOf = (dependency: unknown) => toolOf({ dependencies: [dependency] }).dependencies[0]!

function problemOf(tools: unknown): [field: string, message: string] {
  try {
    parseMeshFields({ tools }, undefined)
  } catch (error) {
    assert.ok(error instanceof RegistrationProblem)
    return [error.field, error.message]
  }
  return assert.fail(`no problem: ${JSON.stringify(tools).slice(0, 200)}`)
}

describe('tools of a registration', () => {
  it('have a default for each absent field, and count null and an empty version as absent', () => {
    const expected = { function_name: 'f', capability: '', version: '1.0.0', tags: [], dependencies: [] }

    assert.deepEqual(toolOf({}), expected)
    assert.deepEqual(toolOf({ version: '' }), expected)
    const nulls = [
      'capability',
      'version',
      'tags',
      'description',
      'inputSchema',
      'kwargs',
      'dependencies',
      'llm_filter',
    ]
    assert.deepEqual(toolOf(Object.fromEntries(nulls.map((name) => [name, null]))), expected)
  })

  it('keep every field of a published runtime, and the canonical schemas by hash', () => {
    const schema = { type: 'object', properties: { who: { type: 'string' } } }
    const input = {
      inputSchema: { ...schema, title: 'Greet' },
      inputSchemaHash: 'sha256:in',
      inputSchemaCanonical: schema,
    }
    const output = { outputSchema: {}, outputSchemaHash: 'sha256:out', outputSchemaCanonical: { type: 'string' } }
    const { tools, schemas } = parseMeshFields(
      {
        tools: [
          {
            function_name: 'greet',
            capability: 'greeting',
            version: '2.1.0',
            tags: ['en', 'fast'],
            description: 'say hello',
            kwargs: { timeout: 30 },
            ...input,
            ...output,
          },
        ],
      },
      undefined,
    )

    assert.deepEqual(tools, [
      {
        function_name: 'greet',
        capability: 'greeting',
        version: '2.1.0',
        tags: ['en', 'fast'],
        description: 'say hello',
        input_schema: { ...schema, title: 'Greet' },
        kwargs: { timeout: 30 },
        dependencies: [],
        input_schema_hash: 'sha256:in',
        output_schema_hash: 'sha256:out',
      },
    ])
    assert.deepEqual(schemas, { 'sha256:in': schema, 'sha256:out': { type: 'string' } })
  })

  it('are read in either spelling of their fields', () => {
    const camel = {
      inputSchema: { type: 'object' },
      inputSchemaHash: 'sha256:in',
      inputSchemaCanonical: {},
      dependencies: [
        { capability: 'c', matchMode: 'subset', expectedSchemaHash: 'sha256:e', expectedSchemaCanonical: {} },
      ],
    }
    const snake = {
      input_schema: { type: 'object' },
      input_schema_hash: 'sha256:in',
      input_schema_canonical: {},
      dependencies: [
        { capability: 'c', match_mode: 'subset', expected_schema_hash: 'sha256:e', expected_schema_canonical: {} },
      ],
    }

    assert.deepEqual(toolOf(snake), toolOf(camel))
    assert.equal(toolOf(snake).dependencies[0]?.expected_schema_hash, 'sha256:e')
  })

  it('have published a schema only with both its hash and its canonical form', () => {
    assert.equal(toolOf({ outputSchemaHash: 'sha256:out' }).output_schema_hash, undefined)
    assert.equal(toolOf({ outputSchemaCanonical: {} }).output_schema_hash, undefined)
  })

  it('expect a schema by its hash alone, and one without a hash gets its own', () => {
    assert.equal(dependencyOf({ capability: 'c', expectedSchemaHash: 'sha256:e' }).expected_schema_hash, 'sha256:e')
    const own = dependencyOf({ capability: 'c', matchMode: 'subset', expectedSchemaCanonical: { type: 'string' } })
    assert.match(own.expected_schema_hash ?? '', /^sha256:[0-9a-f]{64}$/)
  })

  it('depend on capabilities, with tags, one level of alternatives and a constraint', () => {
    assert.deepEqual(
      dependencyOf({
        capability: 'clock',
        tags: ['a', '+b', '-c', ['d', 'e', ''], [], ''],
        version: '>=1',
        required: true,
      }),
      { capability: 'clock', tags: ['a', '+b', '-c', ['d', 'e']], version: '>=1', required: true },
    )
    assert.deepEqual(dependencyOf('clock'), { capability: 'clock', tags: [], version: '', required: false })
    assert.deepEqual(dependencyOf({ capability: 'clock', matchMode: '', version: null }), dependencyOf('clock'))
  })

  it('ask for the tools and the language model of others', () => {
    const { llm_filter, llm_provider } = toolOf({
      llm_filter: { filter: [{ capability: 'search', tags: ['web', ['ignored']], namespace: 'x' }, 'files'] },
      llm_provider: { capability: 'llm', tags: ['claude'], version: '', namespace: 'x' },
    })

    assert.deepEqual(llm_filter, { filter: [{ capability: 'search', tags: ['web'] }, 'files'], filter_mode: 'all' })
    assert.deepEqual(llm_provider, { capability: 'llm', tags: ['claude'], version: '', namespace: 'x' })
    assert.deepEqual(toolOf({ llm_filter: { filter: { capability: 'a' }, filter_mode: '*' } }).llm_filter, {
      filter: [{ capability: 'a' }],
      filter_mode: '*',
    })
  })

  it('become capabilities, but for those that a runtime adds itself and those without one', () => {
    const tools = toolsOf(
      { function_name: 'greet', capability: 'greeting', tags: ['en'], inputSchema: { type: 'object' } },
      { function_name: 'relay', dependencies: ['b', { capability: 'a' }] },
      { function_name: '__mesh_job_status', capability: '__mesh_job_status', dependencies: ['b', 'c'] },
      { function_name: 'greet_loudly', capability: 'greeting', version: '2.0.0' },
    )

    assert.deepEqual(
      offeredCapabilities(tools).map(({ name, version, tags, input_schema }) => [name, version, tags, input_schema]),
      [
        ['greeting', '1.0.0', ['en'], { type: 'object' }],
        ['greeting', '2.0.0', [], undefined],
      ],
    )
    assert.deepEqual(
      offeredCapabilities(tools).map(({ function_name }) => function_name),
      ['greet', 'greet_loudly'],
    )
    const [plain] = offeredCapabilities(toolsOf({ function_name: 'greet', capability: 'greet' }))
    assert.ok(plain && !('function_name' in plain), 'a capability of the name of its function does not repeat it')
    assert.deepEqual(neededCapabilities(tools), ['b', 'a', 'c'])
  })

  it('are refused with the place of the problem', () => {
    const f = (fields: object) => [{ function_name: 'f', ...fields }]
    const needs = (...dependencies: readonly unknown[]) => f({ dependencies })
    const many = (count: number) => Array.from({ length: count }, (_, at) => ({ function_name: `f${at}` }))
    const deep = Array.from({ length: 10 }).reduce<unknown>((inner) => [inner], 'x')
    const cases: readonly (readonly [tools: unknown, field: string, message: RegExp])[] = [
      [{}, 'tools', /must be a list/],
      ['greet', 'tools', /must be a list/],
      [many(10_000), 'tools', /has 10000 items; at most 1000/],
      [['greet'], 'tools[0]', /must be a JSON object/],
      [[null], 'tools[0]', /must be a JSON object/],
      [[{}], 'tools[0].function_name', /is needed/],
      [[{ function_name: 5 }], 'tools[0].function_name', /must be text/],
      [[...f({}), ...f({})], 'tools[1].function_name', /is also the name of tools\[0\]/],
      [f({ capability: 'c'.repeat(254) }), 'tools[0].capability', /has 254 characters; at most 253/],
      [f({ version: 1 }), 'tools[0].version', /must be text/],
      [f({ tags: 'en' }), 'tools[0].tags', /must be a list/],
      [f({ tags: ['en', ['de']] }), 'tools[0].tags[1]', /list inside a list/],
      [f({ inputSchema: [] }), 'tools[0].inputSchema', /must be a JSON object/],
      [f({ input_schema: 'x' }), 'tools[0].input_schema', /must be a JSON object/],
      [
        f({ kwargs: { blob: 'x'.repeat(1_000_000) } }),
        'tools[0].kwargs',
        /has 1000011 characters as JSON; at most 65536/,
      ],
      [
        f({ kwargs: JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`) as unknown }),
        'tools[0].kwargs',
        /deeper than 64/,
      ],
      [needs({}), 'tools[0].dependencies[0].capability', /is needed/],
      [needs(['a', 'b']), 'tools[0].dependencies[0]', /must be a JSON object/],
      [
        needs('a', { capability: 'b', matchMode: 'loose' }),
        'tools[0].dependencies[1].matchMode',
        /"subset" or "strict"/,
      ],
      [needs({ capability: 'b', match_mode: 1 }), 'tools[0].dependencies[0].match_mode', /"subset" or "strict"/],
      [needs({ capability: 'b', required: 'yes' }), 'tools[0].dependencies[0].required', /true or false/],
      [needs({ capability: 'b', tags: [deep] }), 'tools[0].dependencies[0].tags[0][0]', /nested by one level/],
      [needs({ capability: 'b', tags: ['x', ['y', 5]] }), 'tools[0].dependencies[0].tags[1][1]', /must be text/],
      [needs(...Array.from({ length: 65 }, () => 'a')), 'tools[0].dependencies', /has 65 items; at most 64/],
      [f({ llm_filter: 'x' }), 'tools[0].llm_filter', /must be a JSON object/],
      [f({ llm_filter: { filter: [5] } }), 'tools[0].llm_filter.filter[0]', /must be a JSON object/],
      [f({ llm_provider: { tags: [['x']] } }), 'tools[0].llm_provider.tags[0]', /list inside a list/],
    ]

    for (const [tools, field, message] of cases) {
      const [foundField, found] = problemOf(tools)
      assert.equal(foundField, field)
      assert.match(found, message)
      assert.ok(found.startsWith(`Validation failed: '${field}' `), found)
    }
  })

  it('have a limited number of different dependencies, as each costs a look at all its candidates', () => {
    const tools = Array.from({ length: 5 }, (_, tool) => ({
      function_name: `f${tool}`,
      dependencies: Array.from({ length: 64 }, (_, at) => ({ capability: 'c', version: `>=${tool}.${at}` })),
    }))

    assert.match(problemOf(tools)[1], /'tools' have 320 different dependencies; at most 256/)
    assert.equal(
      parseMeshFields({ tools: tools.map((tool) => ({ ...tool, dependencies: tools[0]?.dependencies })) }, undefined)
        .tools.length,
      5,
    )
  })
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import manifest from '../../../package.json' with { type: 'json' }
import { openApiText } from '../../../src/api/openapi/document.ts'

type Operation = {
  operationId: string
  parameters?: { name: string; in: string; schema?: object; description?: string }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, object> }>
}
type Document = {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { properties?: Record<string, { enum?: string[] }> }> }
}

const committed = readFileSync('config/openapi.json', 'utf8')
const { openapi, info, paths, components } = JSON.parse(committed) as Document
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ key: `${method} ${path}`, method, ...operation })),
)

describe('config/openapi.json', () => {
  it('is current (npm run generate)', async () => {
    assert.equal(committed, await openApiText())
  })

  it('is an OpenAPI 3.1 document of the version of the package', () => {
    assert.equal(openapi, '3.1.0')
    assert.equal(info.version, manifest.version)
  })

  it('names every parameter of the list', () => {
    const namesOf = (path: string) => paths[path]?.['get']?.parameters?.map(({ name }) => name) ?? []

    const list = namesOf('/servers')
    const map = namesOf('/discover')

    for (const name of ['tag', 'label_selector', 'limit', 'continue', 'fields']) assert.ok(list.includes(name), name)
    for (const name of ['tag', 'label_selector', 'format', 'secrets']) assert.ok(map.includes(name), name)
    assert.ok(!map.includes('limit'))
    assert.ok(paths['/servers/{namespace}/{name}']?.['get'])
  })

  it('defines every schema that it refers to', () => {
    for (const [, name = ''] of committed.matchAll(/#\/components\/schemas\/(\w+)/g))
      assert.ok(name in components.schemas, name)
  })

  it('says where the API is and how callers authenticate, for every operation', () => {
    const { servers, security } = JSON.parse(committed) as { servers: { url: string }[]; security: object[] }
    assert.deepEqual(
      servers.map(({ url }) => url),
      ['.'],
    )
    assert.deepEqual(security, [{}, { token: [] }, { url_token: [] }])
    for (const { key, responses } of operations) assert.ok('401' in responses, key)
  })

  it('gives parameters the bounds, choices and lists that the daemon accepts', () => {
    const schemaOf = (path: string, name: string) =>
      paths[path]?.['get']?.parameters?.find((parameter) => parameter.name === name)?.schema

    assert.deepEqual(schemaOf('/servers', 'limit'), { type: 'integer', minimum: 1, maximum: 10_000 })
    assert.deepEqual(schemaOf('/agents', 'limit'), schemaOf('/servers', 'limit'))
    assert.deepEqual(schemaOf('/v0.1/servers', 'limit'), { type: 'integer', minimum: 1 })
    assert.deepEqual(schemaOf('/servers', 'type'), {
      type: 'array',
      maxItems: 64,
      items: { type: 'string', enum: ['stdio', 'http', 'sse'] },
    })
    assert.deepEqual(schemaOf('/servers', 'enabled'), { type: 'boolean' })
    assert.equal((schemaOf('/servers', 'sort') as { enum: string[] }).enum.includes('-updated_at'), true)
  })

  it('gives every operation an id of its own', () => {
    const ids = operations.map(({ operationId }) => operationId)

    assert.equal(new Set(ids).size, ids.length)
  })

  it('gives every parameter a schema and every query parameter a description', () => {
    for (const { key, parameters = [] } of operations) {
      for (const parameter of parameters) {
        assert.ok(parameter.schema, `${key}: ${parameter.name}`)
        if (parameter.in === 'query') assert.ok(parameter.description, `${key}: ${parameter.name}`)
      }
    }
  })

  it('gives every body a named schema', () => {
    const bodiless = /\/(check|probe|refresh|release|reload|trust-probes|discover)$/
    for (const { key, method, requestBody } of operations) {
      const takesBody = ['put', 'patch'].includes(method) || (method === 'post' && !bodiless.test(key))
      const [content] = Object.values(requestBody?.content ?? {})
      assert.equal(content !== undefined && '$ref' in content.schema, takesBody, key)
    }
  })

  it('describes each status with its content: the resource, a problem, or nothing', () => {
    const contentOf = (path: string, method: string) =>
      Object.fromEntries(
        Object.entries(paths[path]?.[method]?.responses ?? {}).map(([status, { content = {} }]) => [
          status,
          Object.keys(content).join(),
        ]),
      )
    const problem = 'application/problem+json'

    const put = contentOf('/servers/{namespace}/{name}', 'put')
    assert.partialDeepStrictEqual(put, { 200: 'application/json', 201: 'application/json', 409: problem, 503: problem })
    assert.equal(contentOf('/servers/{namespace}/{name}', 'patch')['201'], undefined)
    const deleted = contentOf('/servers/{namespace}/{name}', 'delete')
    assert.deepEqual([deleted['200'], deleted['204']], [undefined, ''])
    assert.equal(contentOf('/agents/register_with_metadata', 'post')['201'], 'application/json')
    assert.equal(contentOf('/heartbeat/{id}', 'head')['202'], '')
    assert.equal(contentOf('/readyz', 'get')['503'], 'application/json')
    assert.equal(contentOf('/v0.1/servers', 'get')['503'], problem)
  })

  it('lists every problem code', async () => {
    const { problemKinds } = await import('../../../src/api/http/problem-codes.ts')

    assert.deepEqual(components.schemas['Problem']?.properties?.['code']?.enum, Object.keys(problemKinds))
  })
})

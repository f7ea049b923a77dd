import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createApp } from '../../src/api/app.ts'
import { createFronts } from '../../src/api/fast-paths.ts'
import { openApiDocument } from '../../src/api/openapi/document.ts'
import { routes } from '../../src/api/openapi/route-table.ts'
import * as shapes from '../../src/api/openapi/schemas.ts'
import { createDeleted } from '../../src/api/publish/deleted-servers.ts'
import { parts, serve } from './served.ts'

describe('the documentation', () => {
  it('knows every route, and no other', () => {
    const known = parts()
    const app = createApp({ ...known, hot: createFronts(known).hot, deleted: createDeleted(known.registry) })

    const registered = app.routes.map(({ method, path }) => `${method} ${path.replace(/(?<=.)\/$/, '')}`)

    const routed = Object.keys(routes).filter((key) => !routes[key]?.raw)
    assert.deepEqual(routed.toSorted(), [...new Set(registered)].toSorted())
  })

  it('is a whole OpenAPI document that names every parameter of the list', async () => {
    const document = (await openApiDocument('1.2.3')) as {
      openapi: string
      info: { version: string }
      paths: Record<string, Record<string, { parameters?: { name: string; schema: object }[]; operationId: string }>>
      components: { schemas: object }
    }
    const text = JSON.stringify(document)

    assert.equal(document.openapi, '3.1.0')
    assert.equal(document.info.version, '1.2.3')
    const list = document.paths['/servers']?.['get']?.parameters ?? []
    assert.ok(
      ['tag', 'label_selector', 'limit', 'continue', 'fields'].every((name) => list.some((one) => one.name === name)),
    )
    const map = document.paths['/discover']?.['get']?.parameters?.map(({ name }) => name) ?? []
    assert.ok(
      ['tag', 'label_selector', 'format', 'secrets'].every((name) => map.includes(name)),
      map.join(),
    )
    assert.ok(!map.includes('limit'))
    assert.ok(document.paths['/servers/{namespace}/{name}']?.['get'])
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      assert.ok(name && name in document.components.schemas)
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id)
    assert.equal(new Set(ids).size, ids.length)
  })

  it('says of every parameter and every body what it may be', async () => {
    type Operation = { parameters?: object[]; requestBody?: { content: Record<string, { schema: object }> } }
    const { paths } = (await openApiDocument('1.2.3')) as { paths: Record<string, Record<string, Operation>> }
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ key: `${method} ${path}`, method, ...operation })),
    )

    for (const { key, parameters = [] } of operations)
      for (const parameter of parameters) assert.ok('schema' in parameter, `${key}: ${JSON.stringify(parameter)}`)
    for (const { key, parameters = [] } of operations)
      for (const parameter of parameters)
        if ('in' in parameter && parameter.in === 'query')
          assert.ok('description' in parameter, `${key}: ${JSON.stringify(parameter)}`)
    const bodiless = /\/(check|refresh|release|reload|trust-probes|discover)$/
    for (const { key, method, requestBody } of operations) {
      const takes = ['put', 'patch'].includes(method) || (method === 'post' && !bodiless.test(key))
      const [content] = Object.values(requestBody?.content ?? {})
      assert.equal(content !== undefined && '$ref' in content.schema, takes, key)
    }
  })

  it('says of every status what is answered: the thing, a problem, or nothing', async () => {
    type Operation = { responses: Record<string, { content?: Record<string, object> }> }
    const { paths } = (await openApiDocument('1.2.3')) as { paths: Record<string, Record<string, Operation>> }
    const content = (path: string, method: string) =>
      Object.fromEntries(
        Object.entries(paths[path]?.[method]?.responses ?? {}).map(([status, one]) => [
          status,
          Object.keys(one.content ?? {}).join(),
        ]),
      )
    const problem = 'application/problem+json'

    const put = content('/servers/{namespace}/{name}', 'put')
    assert.partialDeepStrictEqual(put, { 200: 'application/json', 201: 'application/json', 409: problem, 503: problem })
    assert.equal(content('/servers/{namespace}/{name}', 'patch')['201'], undefined)
    const gone = content('/servers/{namespace}/{name}', 'delete')
    assert.deepEqual([gone['200'], gone['204']], [undefined, ''])
    assert.equal(content('/agents/register_with_metadata', 'post')['201'], 'application/json')
    assert.equal(content('/heartbeat/{id}', 'head')['202'], '')
    assert.equal(content('/readyz', 'get')['503'], 'application/json')
    assert.equal(content('/v0.1/servers', 'get')['503'], problem)
  })

  for (const [path, shape] of [
    ['/servers/weather', shapes.ServerDetail],
    ['/discover', shapes.Discoverable],
    ['/discover?format=claude', shapes.Discoverable],
    ['/discover?format=vscode', shapes.Discoverable],
    ['/sources', shapes.SourceList],
    ['/tags', shapes.Tags],
    ['/stats', shapes.Stats],
    ['/health', shapes.Wellbeing],
    ['/readyz', shapes.Readiness],
    ['/', shapes.ServiceInfo],
    ['/nowhere', shapes.ProblemShape],
  ] as const) {
    it(`tells the truth of ${path}`, async () => {
      await using served = await serve()

      const parsed = shape.safeParse(await (await served.get(path)).json())

      assert.equal(parsed.error, undefined)
    })
  }

  it('is shown by a page that takes nothing from elsewhere', async () => {
    await using served = await serve()

    const page = await served.get('/docs')
    const html = await page.text()

    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'sha256-/)
    assert.doesNotMatch(html, /https?:\/\//)
    assert.equal((await served.get('/openapi.json')).status, 200)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { read, raw, serve } from '../../served-api.ts'

const servers = [
  { name: 'weather', tags: ['geo'], headers: { authorization: 'Bearer c4nary' } },
  { name: 'maps', tags: ['geo', 'free'] },
  { name: 'files', namespace: 'team', status: 'unhealthy' as const },
]

type Result = {
  readonly servers?: readonly { readonly id: string; readonly name?: string }[]
  readonly total?: number
  readonly resource_version?: string
  readonly continue?: string
  readonly problem?: { readonly code: string; readonly status: number; readonly parameter?: string }
}
type Answer = { readonly resource_version: string; readonly count: number; readonly results: readonly Result[] }

async function query(api: { readonly url: string }, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${api.url}/query`, { method: 'POST', body: text, headers })
  return { status: response.status, body: (await response.json()) as Answer & { code?: string; parameter?: string } }
}

const idsOf = ({ servers: found }: Result) => found?.map(({ id }) => id)

describe('POST /query', () => {
  it('answers each query as /servers does, all of one revision', async () => {
    await using api = await serve({ servers })

    const { status, body } = await query(api, {
      queries: [{ tag: ['geo', 'free'] }, 'status=unhealthy', '?namespace=team', { limit: 1, fields: 'id' }, {}],
    })

    assert.equal(status, 200)
    assert.deepEqual(body.results.map(idsOf), [
      ['default/maps'],
      ['team/files'],
      ['team/files'],
      ['default/maps'],
      ['default/maps', 'default/weather', 'team/files'],
    ])
    assert.deepEqual(new Set(body.results.map((one) => one.resource_version)), new Set([body.resource_version]))
    assert.equal(body.resource_version, api.roster.registry.token())
    assert.deepEqual([body.count, body.results[3]?.total, typeof body.results[3]?.continue], [5, 3, 'string'])
    assert.deepEqual(body.results[4], await (await api.get('/servers')).json())
    assert.doesNotMatch(JSON.stringify(body), /c4nary/)
  })

  it('gives a wrong query its own problem, and the others their results', async () => {
    await using api = await serve({ servers })

    const { status, body } = await query(api, {
      queries: [
        'tag=geo',
        'tags=geo',
        { limit: -1 },
        'watch=true',
        { tag: { a: 1 } },
        7,
        { secrets: true },
        { tag: null },
      ],
    })

    assert.equal(status, 200)
    assert.deepEqual(
      body.results.map(({ problem }) => problem && [problem.code, problem.parameter ?? '']),
      [
        undefined,
        ['invalid_parameter', 'tags'],
        ['invalid_parameter', 'limit'],
        ['invalid_parameter', ''],
        ['invalid_parameter', 'tag'],
        ['invalid_parameter', 'queries'],
        ['invalid_parameter', ''],
        undefined,
      ],
    )
  })

  it('rejects a body that is no list of 1 to 50 queries', async () => {
    await using api = await serve({ servers })

    for (const [body, code] of [
      ['', 'body_not_object'],
      ['[]', 'body_not_object'],
      ['{', 'body_not_json'],
      [{}, 'invalid_parameter'],
      [{ queries: [] }, 'invalid_parameter'],
      [{ queries: Array.from({ length: 51 }, () => '') }, 'invalid_parameter'],
      [{ queries: [''], query: '' }, 'invalid_parameter'],
      [{ queries: ['x'.repeat(300_000)] }, 'body_too_large'],
    ] as const) {
      assert.equal((await query(api, body)).body.code, code, JSON.stringify(body).slice(0, 60))
    }
  })

  it('is one revision while the registry changes in between', async () => {
    await using api = await serve({ servers })
    const queries = Array.from({ length: 50 }, (_, index) => ({
      q: index % 2 === 0 ? 'weather' : 'maps',
      limit: index + 1,
    }))
    const answered = new AbortController()

    const answer = query(api, { queries }).finally(() => answered.abort())
    for (let change = 0; !answered.signal.aborted; change += 1) {
      api.roster.put({ name: 'weather', title: `weather maps ${change}` })
      await new Promise((resolve) => setImmediate(resolve))
    }

    const { results, resource_version } = (await answer).body
    const weather = results.map(({ servers: found }) => JSON.stringify(found?.find(({ name }) => name === 'weather')))
    assert.equal(new Set(weather.filter(Boolean)).size, 1)
    assert.ok(results.every((one) => one.resource_version === resource_version))
  })

  it('answers a reader, in the namespaces of its token', async () => {
    const token = {
      name: 'team',
      role: 'reader',
      secrets: false,
      namespaces: ['team'],
      token: 'c4nary-c4nary',
    } as const
    await using api = await serve({ servers, tokens: [{ ...token, namespaces: ['team'] }], anonymous: 'none' })
    const headers = { authorization: 'Bearer c4nary-c4nary' }

    const { body } = await query(api, { queries: [{}, { namespace: 'default' }] }, headers)

    assert.deepEqual(idsOf(body.results[0] ?? {}), ['team/files'])
    assert.equal(body.results[1]?.problem?.code, 'namespace_forbidden')
    assert.equal((await query(api, { queries: [''] })).status, 401)
  })

  it('answers no further query once the results are long enough together', async () => {
    const description = 'words '.repeat(1500)
    await using api = await serve({
      servers: Array.from({ length: 400 }, (_, at) => ({ name: `s${at}`, description })),
    })

    const { body } = await query(api, { queries: Array.from({ length: 50 }, () => '') })

    const found = body.results.filter(({ servers: list }) => list?.length === 400)
    const problems = body.results.flatMap(({ problem }) => problem?.code ?? [])
    assert.ok(found.length >= 5 && found.length <= 12, `${found.length} results`)
    assert.deepEqual(
      problems,
      Array.from({ length: 50 - found.length }, () => 'results_too_large'),
    )
  })

  it('rejects pages of other origins', async () => {
    await using api = await serve({ servers })
    const body = '{"queries":[""]}'

    const answer = await raw(
      api.port,
      `POST /query HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )

    assert.equal(read(answer).status, 403)
  })
})

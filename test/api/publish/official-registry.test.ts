import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PublishedEntry } from '../../../src/api/publish/published.ts'
import { silent } from '../../../src/log.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { http } from '../../../src/sources/http/http.ts'
import { namesIn, runSource } from '../../sources/poll-source.ts'
import { toolsWith } from '../../sources/source-tools.ts'
import { parts, serve } from '../served-api.ts'

type Listed = { servers: PublishedEntry[]; metadata: { nextCursor?: string; count: number } }

const official = 'io.modelcontextprotocol.registry/official'
const publisherProvided = 'io.modelcontextprotocol.registry/publisher-provided'
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `s${String(index).padStart(3, '0')}` }))
const namesOf = ({ servers }: Listed) => servers.map(({ server }) => server.name.replace(/^.*\//, ''))
const statusOf = ({ _meta }: PublishedEntry) => _meta[official]?.['status']

async function open(options: Parameters<typeof serve>[0] = {}) {
  const served = await serve(options)
  const list = async (query = '') => (await (await served.get(`/v0.1/servers${query}`)).json()) as Listed
  return { ...served, list }
}

describe('the official registry’s API', () => {
  it('lists enabled servers in its form, with further fields under a key of its own', async () => {
    const weather = {
      name: 'weather',
      title: 'Weather',
      description: 'Says what the weather will be.',
      version: '2.1.0',
      url: 'https://weather.example/mcp',
      tags: ['geo'],
      labels: { env: 'prod' },
    }
    await using served = await open({ servers: [weather, { name: 'off', enabled: false }] })

    const answer = await served.get('/v0.1/servers')
    const { servers, metadata } = (await answer.json()) as Listed

    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.deepEqual(metadata, { count: 1 })
    const [{ server, _meta }] = servers as [PublishedEntry]
    const { created_at, updated_at } = (await (await served.get('/servers/weather')).json()) as Record<string, string>
    const { _meta: cardMeta, ...card } = server
    assert.deepEqual(card, {
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-09-29/server.schema.json',
      name: 'internal.test/weather',
      description: 'Says what the weather will be.',
      version: '2.1.0',
      title: 'Weather',
      remotes: [{ type: 'streamable-http', url: 'https://weather.example/mcp' }],
    })
    assert.deepEqual(cardMeta?.['io.mcp-roster/via'], ['test-instance'])
    assert.deepEqual(_meta[official], {
      status: 'active',
      statusChangedAt: created_at,
      publishedAt: created_at,
      updatedAt: updated_at,
      isLatest: true,
    })
    const { id, tags, labels, status } = _meta['io.mcp-roster/server'] ?? {}
    assert.deepEqual(
      { id, tags, labels, status },
      { id: 'default/weather', tags: ['geo'], labels: { env: 'prod' }, status: 'healthy' },
    )
  })

  it('tells ToolHive tools, tags and status of each server, by its URL or package', async () => {
    const capabilities = [
      { name: 'forecast', kind: 'tool' },
      { name: 'route.plan', kind: 'tool' },
      { name: 'greeting', kind: 'prompt' },
      { name: 'welcome', function_name: 'greet' },
      'declared',
    ]
    await using served = await open({
      servers: [
        {
          name: 'weather',
          url: 'https://weather.example/mcp',
          tags: ['Geo', 'free-of-charge', 'Été', 'geo'],
          capabilities,
        },
        { name: 'files', url: undefined, command: 'docker', args: ['run', '-i', 'ghcr.io/acme/files:1.2'] },
      ],
    })

    const { servers } = await served.list('?unknown=1')
    const [files, weather] = servers.map(({ server: { _meta: meta } }) => meta?.[publisherProvided])
    assert.deepEqual(files, {
      'io.github.stacklok': { 'ghcr.io/acme/files:1.2': { status: 'active', tools: [], tags: [] } },
    })
    assert.deepEqual(weather, {
      'io.github.stacklok': {
        'https://weather.example/mcp': {
          status: 'active',
          tools: ['forecast', 'greet', 'declared'],
          tags: ['geo', 'free-of-charge'],
        },
      },
    })
  })

  it('serves the requests of VS Code in their order', async () => {
    await using served = await open({ servers: many(120) })

    assert.equal((await served.get('/v0.1/servers?limit=1')).status, 200)
    const first = await served.list('?limit=50&version=latest')
    const second = await served.list(`?limit=50&version=latest&cursor=${first.metadata.nextCursor}`)
    const third = await served.list(`?limit=50&version=latest&cursor=${second.metadata.nextCursor}`)
    assert.deepEqual(
      [...namesOf(first), ...namesOf(second), ...namesOf(third)],
      many(120).map(({ name }) => name),
    )
    assert.equal(third.metadata.nextCursor, undefined)
    for (const { server, _meta } of first.servers) {
      assert.ok(server.name && server.description && server.version && _meta)
      // The only edition that the versions of late 2025 accept; later ones do not look.
      assert.equal(server.$schema, 'https://static.modelcontextprotocol.io/schemas/2025-09-29/server.schema.json')
    }

    const one = encodeURIComponent('internal.test/s007')
    const latest = (await (await served.get(`/v0.1/servers/${one}/versions/latest`)).json()) as PublishedEntry
    assert.equal(latest.server.name, 'internal.test/s007')
    const unencoded = (await (
      await served.get('/v0.1/servers/internal.test/s007/versions/latest')
    ).json()) as PublishedEntry
    assert.deepEqual(unencoded, latest)
  })

  it('applies the search of a cursor, which VS Code does not repeat', async () => {
    await using served = await open({ servers: many(30) })

    const first = await served.list('?limit=4&search=S01')
    const second = await served.list(`?limit=4&cursor=${first.metadata.nextCursor}`)
    const third = await served.list(`?limit=4&cursor=${second.metadata.nextCursor}`)

    assert.deepEqual(
      [...namesOf(first), ...namesOf(second), ...namesOf(third)],
      many(30)
        .map(({ name }) => name)
        .slice(10, 20),
    )
    assert.match(first.metadata.nextCursor ?? '', /^[\w-]+$/)
  })

  it('serves the requests of Copilot from any origin without a token', async () => {
    await using served = await open({ tokens: [{ name: 'x', token: 'secret', role: 'admin', secrets: false }] })
    const one = encodeURIComponent('internal.test/weather')

    for (const path of [
      '/v0.1/servers',
      `/v0.1/servers/${one}/versions/latest`,
      `/v0.1/servers/${one}/versions/0.0.0`,
    ]) {
      for (const headers of [{}, { origin: 'https://github.com' }]) {
        const answer = await served.get(path, { headers })
        assert.equal(answer.status, 200)
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
        assert.match(answer.headers.get('access-control-allow-methods') ?? '', /GET.*OPTIONS/)
        assert.equal(answer.headers.get('access-control-allow-headers'), 'Authorization, Content-Type')
      }
      const preflight = { origin: 'https://github.com', 'access-control-request-method': 'GET' }
      for (const headers of [{}, preflight]) {
        const answer = await served.get(path, { method: 'OPTIONS', headers })
        assert.equal(answer.status, 204)
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
        assert.equal(answer.headers.get('access-control-allow-headers'), 'Authorization, Content-Type')
      }
    }
    assert.equal((await served.get('/v0/servers')).status, 200)
  })

  it('shows the current version, and answers 404 in the words of the official registry', async () => {
    await using served = await open({
      servers: [
        { name: 'weather', version: '1.2.3' },
        { name: 'maps', version: '^1' },
      ],
    })
    const status = async (path: string) => (await served.get(`/v0.1/servers/${path}`)).status
    const one = 'internal.test%2Fweather'

    assert.deepEqual(
      await Promise.all([`${one}/versions/1.2.3`, `${one}/versions/latest`, one, `${one}/versions/1.2.4`].map(status)),
      [200, 200, 200, 404],
    )
    const versions = (await (await served.get(`/v0.1/servers/${one}/versions`)).json()) as Listed
    assert.deepEqual(namesOf(versions), ['weather'])
    assert.equal((await served.list('?search=maps')).servers[0]?.server.version, '0.0.0')
    const unknown = await served.get('/v0.1/servers/internal.test%2Fnowhere/versions/latest')
    assert.equal(unknown.status, 404)
    assert.equal(((await unknown.json()) as { error: string }).error, 'Server not found')
    assert.equal(unknown.headers.get('access-control-allow-origin'), '*')
  })

  it('shows no secret, and names each as a required input', async () => {
    const secret = 'hunter2hunter2'
    await using served = await open({
      servers: [
        {
          name: 'remote',
          url: `https://user:${secret}@weather.example/mcp?api_key=${secret}`,
          headers: { Authorization: `Bearer ${secret}`, 'X-Team': 'Bearer ${TEAM_TOKEN}' },
          description: `password=${secret}`,
        },
        {
          name: 'npm',
          url: undefined,
          command: 'npx',
          args: ['-y', '@acme/weather@1.4.0', '--token', secret, '--city', 'Bonn'],
          env: { API_KEY: secret },
        },
        {
          name: 'image',
          url: undefined,
          command: 'docker',
          args: ['run', '-i', '--rm', '-e', `KEY=${secret}`, 'ghcr.io/acme/w:2', 'serve'],
        },
        { name: 'own', url: undefined, command: 'python', args: ['-m', 'weather', `--password=${secret}`] },
      ],
    })

    const answer = await served.list()
    const text = JSON.stringify(answer)

    assert.ok(!text.includes(secret))
    const card = (name: string) => answer.servers.find(({ server }) => server.name.endsWith(`/${name}`))?.server
    assert.deepEqual(card('remote')?.remotes, [
      {
        type: 'streamable-http',
        url: 'https://user:{secret}@weather.example/mcp?api_key={secret_2}',
        variables: {
          secret: { isRequired: true, isSecret: true, description: 'secret of this server' },
          secret_2: { isRequired: true, isSecret: true, description: 'secret_2 of this server' },
        },
        headers: [
          { name: 'Authorization', description: 'Authorization', isRequired: true, isSecret: true },
          {
            name: 'X-Team',
            description: 'X-Team',
            isRequired: true,
            isSecret: true,
            value: 'Bearer {TEAM_TOKEN}',
            variables: { TEAM_TOKEN: { isRequired: true, isSecret: true, description: 'TEAM_TOKEN of this server' } },
          },
        ],
      },
    ])
    assert.deepEqual(card('npm')?.packages, [
      {
        registryType: 'npm',
        identifier: '@acme/weather',
        version: '1.4.0',
        runtimeHint: 'npx',
        transport: { type: 'stdio' },
        packageArguments: [
          { type: 'positional', value: '--token' },
          { type: 'positional', valueHint: 'secret', isRequired: true, isSecret: true },
          { type: 'positional', value: '--city' },
          { type: 'positional', value: 'Bonn' },
        ],
        environmentVariables: [{ name: 'API_KEY', description: 'API_KEY', isRequired: true, isSecret: true }],
      },
    ])
    assert.equal(card('image')?.packages?.[0]?.identifier, 'ghcr.io/acme/w:2')
    assert.deepEqual([card('own')?.packages, card('own')?.remotes], [undefined, undefined])
  })

  it('shows a deleted server under its listed name, also where that name is shortened', async () => {
    const name = 'w'.repeat(240)
    await using served = await open({ servers: [{ name }] })
    await served.list()
    served.roster.drop(name)

    const [listed] = (await served.list('?include_deleted=true')).servers

    const shown = await served.get(`/v0.1/servers/${encodeURIComponent(listed?.server.name ?? '')}`)
    assert.deepEqual(await shown.json(), listed)
  })

  it('accepts an RFC 3339 time with a blank before the time, and with a plus decoded as a blank', async () => {
    await using served = await open({ servers: many(1) })

    for (const since of ['2020-01-01 00:00:00Z', '2020-01-01T00:00:00 01:00', '2020-01-01 00:00:00 01:00'])
      assert.deepEqual(namesOf(await served.list(`?updated_since=${encodeURIComponent(since)}`)), ['s000'], since)
  })

  it('lists the servers changed since a time, deleted ones included', async () => {
    await using served = await open({ servers: many(3) })
    await served.list()
    const later = '2100-01-01T00:00:00Z'
    const early = '2020-01-01T00:00:00+01:00'.replace('+', '%2B')

    served.roster.drop('s001')
    served.roster.put({ name: 's002', enabled: false })

    assert.deepEqual(namesOf(await served.list()), ['s000'])
    const all = await served.list('?include_deleted=true')
    assert.deepEqual(all.servers.map(statusOf), ['active', 'deleted', 'deleted'])
    const page = await served.list(`?updated_since=${early}&limit=2`)
    const rest = await served.list(`?updated_since=${early}&limit=2&cursor=${page.metadata.nextCursor}`)
    assert.deepEqual([...namesOf(page), ...namesOf(rest)], ['s000', 's001', 's002'])
    assert.deepEqual(namesOf(await served.list(`?updated_since=${later}`)), [])

    served.roster.put({ name: 's001' })
    assert.deepEqual((await served.list('?include_deleted=true')).servers.map(statusOf), [
      'active',
      'active',
      'deleted',
    ])
  })

  it('names the invalid parameter', async () => {
    await using served = await open()

    for (const query of [
      'limit=0',
      'limit=-1',
      'limit=x',
      'cursor=%7B',
      'cursor=W10',
      'updated_since=yesterday',
      'include_deleted=2',
      `search=${'a'.repeat(300)}`,
      'limit=1&limit=2',
    ]) {
      const answer = await served.get(`/v0.1/servers?${query}`)
      const { parameter } = (await answer.json()) as { parameter: string }
      assert.equal(answer.status, 400, query)
      assert.equal(parameter, query.replace(/=.*/, ''))
    }
    assert.equal((await served.list('?limit=1000000000')).metadata.count, 1)
  })

  it('skips and repeats no server while servers change between pages', async () => {
    await using served = await open({ servers: many(60) })
    const seen: string[] = []
    for (let cursor: string | undefined = '', page = 0; cursor !== undefined; page += 1) {
      const answer: Listed = await served.list(`?limit=7&cursor=${cursor}`)
      seen.push(...namesOf(answer))
      cursor = answer.metadata.nextCursor
      served.roster.put({ name: `s${String(page * 7).padStart(3, '0')}x` })
      served.roster.drop(`s${String(page * 7 + 6).padStart(3, '0')}`)
    }

    const throughout = many(60)
      .map(({ name }) => name)
      .filter((name) => served.roster.registry.get(`default/${name}`))
    assert.deepEqual(
      throughout.filter((name) => !seen.includes(name)),
      [],
    )
    assert.equal(new Set(seen).size, seen.length)
  })

  it('answers 503 until the sources are read, then 304 until a change', async () => {
    let ready = false
    const { supervisor } = parts()
    await using served = await open({
      parts: { supervisor: { ...supervisor, syncing: () => (ready ? [] : ['dns']), isStarted: () => ready } },
    })

    for (const path of ['/v0.1/servers', '/.well-known/ai-catalog.json', '/sd/prometheus']) {
      const early = await served.get(path)
      assert.equal(early.status, 503)
      assert.equal(early.headers.get('retry-after'), '1')
    }
    ready = true
    for (const path of ['/v0.1/servers', '/.well-known/ai-catalog.json', '/sd/prometheus']) {
      const etag = (await served.get(path)).headers.get('etag') ?? ''
      assert.equal((await served.get(path, { headers: { 'if-none-match': etag } })).status, 304)
      served.roster.put({ name: `after ${path}` })
      assert.equal((await served.get(path, { headers: { 'if-none-match': etag } })).status, 200)
    }
  })

  for (const path of ['/v0.1/servers', '/.well-known/ai-catalog.json', '']) {
    it(`is read by another roster at ${path || 'the bare domain'}`, async () => {
      await using served = await open({ servers: [...many(150), { name: 'io.github.acme/weather' }] })
      const client = openHttpClient()
      const config = http.config.parse({ type: 'http', url: served.url + path })
      await using source = runSource(http.open(config, toolsWith({ httpClient: client, log: silent })))

      const [reading] = await source.next()

      const names = namesIn(reading)
      assert.equal(names.length, 151)
      assert.ok(names.includes('io.github.acme/weather') && names.includes('internal.test/s149'))
      await client.close()
    })
  }
})

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { parseThreads } from '../../../../src/sources/documents/parse-queue.ts'
import { readDocument, readListing } from '../../../../src/sources/documents/read.ts'
import { definitionsIn } from '../definitions.ts'

after(() => parseThreads.end())

describe('a page of the official registry', () => {
  const official = (meta: object) => ({
    _meta: { 'io.modelcontextprotocol.registry/official': { status: 'active', isLatest: true, ...meta } },
  })
  const page = (...servers: object[]) =>
    JSON.stringify({ servers, metadata: { nextCursor: 'next:1', count: servers.length } })

  it('lists the latest versions, deleted names and the next cursor', async () => {
    const server = (name: string) => ({
      server: {
        name,
        description: 'd',
        version: '1.0.0',
        remotes: [{ type: 'streamable-http', url: `https://${name}/mcp` }],
      },
    })
    const listing = await readListing(
      page(
        { ...server('a/new'), ...official({}) },
        { ...server('a/old'), ...official({ isLatest: false }) },
        { ...server('a/gone'), ...official({ status: 'deleted' }) },
      ),
    )
    assert.deepEqual(
      definitionsIn(listing.entries).map(({ name }) => name),
      ['a/new'],
    )
    assert.deepEqual(listing.deleted, ['a/gone'])
    assert.equal(listing.next, 'next:1')
  })

  const packages: Record<string, [card: object, server: Record<string, unknown>]> = {
    npm: [
      {
        registryType: 'npm',
        identifier: '@a/b',
        version: '1.2.3',
        transport: { type: 'stdio' },
        runtimeArguments: [{ type: 'positional', value: '-y' }],
        packageArguments: [
          { type: 'named', name: '--dir', value: '/x' },
          { type: 'positional', valueHint: 'place', isRequired: true },
        ],
        environmentVariables: [
          { name: 'API_KEY', isRequired: true, isSecret: true },
          { name: 'MODE', default: 'fast' },
          { name: 'OTHER' },
        ],
      },
      {
        type: 'stdio',
        command: 'npx',
        args: ['-y', '@a/b@1.2.3', '--dir', '/x', '${place}'],
        env: { API_KEY: '${API_KEY}', MODE: 'fast' },
      },
    ],
    pypi: [
      { registryType: 'pypi', identifier: 'pkg', version: '0.1' },
      { command: 'uvx', args: ['pkg@0.1'] },
    ],
    oci: [
      { registryType: 'oci', identifier: 'docker.io/a/b:1.0', environmentVariables: [{ name: 'K', value: 'v' }] },
      { command: 'docker', args: ['run', '-i', '--rm', '-e', 'K', 'docker.io/a/b:1.0'], env: { K: 'v' } },
    ],
    'oci with a version': [
      { registryType: 'oci', identifier: 'localhost:5000/a', version: '2' },
      { command: 'docker', args: ['run', '-i', '--rm', 'localhost:5000/a:2'] },
    ],
    nuget: [
      { registryType: 'nuget', identifier: 'A.B', version: '1.0.0' },
      { command: 'dnx', args: ['A.B@1.0.0', '--yes'] },
    ],
  }

  for (const [kind, [found, server]] of Object.entries(packages)) {
    it(`turns a package of ${kind} into a command`, async () => {
      const [read] = definitionsIn(
        await readDocument(
          page({
            server: {
              name: 'a/b',
              description: 'd',
              version: '1',
              packages: [{ registryType: 'mcpb', identifier: 'x' }, found],
            },
            ...official({}),
          }),
        ),
      )
      assert.partialDeepStrictEqual(read, { name: 'a/b', ...server })
    })
  }

  it('prefers a remote, and makes placeholders of required inputs', async () => {
    const remotes = [
      { type: 'sse', url: 'https://a/sse' },
      {
        type: 'streamable-http',
        url: 'https://{tenant}.a.example/{region}/mcp',
        variables: { region: { default: 'eu' } },
        headers: [{ name: 'Authorization', value: 'Bearer {token}', isSecret: true }, { name: 'X-Opt' }],
      },
    ]
    const card = {
      name: 'a/b',
      title: 'B',
      websiteUrl: 'https://b.example',
      repository: { url: 'https://git.example/b' },
      version: '1',
      remotes,
      packages: [{ registryType: 'npm', identifier: 'b' }],
    }
    const [read] = definitionsIn(
      await readDocument(page({ server: card, ...official({ publishedAt: '2026-01-01T00:00:00Z' }) })),
    )
    assert.partialDeepStrictEqual(read, {
      type: 'http',
      url: 'https://${tenant}.a.example/eu/mcp',
      headers: { Authorization: 'Bearer ${token}' },
      title: 'B',
      metadata: {
        website_url: 'https://b.example',
        repository: 'https://git.example/b',
        registry: { status: 'active', published_at: '2026-01-01T00:00:00Z' },
      },
    })
  })

  it('rejects packages without a known runner', async () => {
    const [entry] = await readDocument(
      page({
        server: { name: 'a/b', version: '1', packages: [{ registryType: 'mcpb', identifier: 'x' }] },
        ...official({}),
      }),
    )
    assert.ok(entry && 'problem' in entry && /neither a remote nor a package/.test(entry.problem))
  })
})

describe('an AI catalogue', () => {
  it('holds cards, and links to cards at other addresses', async () => {
    const catalog = {
      specVersion: '1.0',
      entries: [
        {
          identifier: 'urn:air:example.com:weather',
          displayName: 'Weather',
          type: 'application/mcp-server-card+json',
          url: 'https://example.com/mcp/server-card',
        },
        {
          identifier: 'urn:air:example.com:mcp:tides',
          type: 'application/mcp-server-card+json',
          data: {
            description: 'd',
            version: '1',
            remotes: [{ type: 'streamable-http', url: 'https://t.example/mcp' }],
          },
        },
        {
          identifier: 'urn:air:example.com:skill',
          type: 'application/agent-skills+json',
          url: 'https://example.com/skill',
        },
      ],
    }
    const { entries, links } = await readListing(JSON.stringify(catalog))
    assert.deepEqual(links, [
      {
        url: 'https://example.com/mcp/server-card',
        where: 'entries[0]',
        name: 'example.com/weather',
        media_type: 'application/mcp-server-card+json',
      },
    ])
    assert.partialDeepStrictEqual(definitionsIn(entries)[0], {
      name: 'example.com/mcp.tides',
      url: 'https://t.example/mcp',
    })
    const [, unread] = await readDocument(JSON.stringify(catalog))
    assert.ok(unread && 'problem' in unread && unread.name === 'example.com/weather')
  })

  it('accepts a single server card or agent card', async () => {
    const card = await readDocument(
      '{"name": "a/b", "description": "d", "version": "1", "remotes": [{"type": "sse", "url": "https://a/sse"}]}',
    )
    const agent = await readDocument(
      '{"name": "Planner", "description": "d", "version": "2", "supportedInterfaces": [{"url": "https://p.example/a2a", "protocolBinding": "JSONRPC"}], "skills": [{"id": "plan", "name": "Plan", "tags": ["x"]}]}',
    )
    assert.partialDeepStrictEqual(definitionsIn(card)[0], { name: 'a/b', type: 'sse' })
    assert.partialDeepStrictEqual(definitionsIn(agent)[0], {
      name: 'Planner',
      url: 'https://p.example/a2a',
      health_check: 'tcp',
      tags: ['a2a'],
      capabilities: [{ name: 'plan' }],
    })
  })
})

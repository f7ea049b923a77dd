import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answering, running } from './command-runner.ts'

const at = '2026-01-31T12:00:00.123Z'
const event = (id: string, fields: object) => ({ id, timestamp: at, event_type: 'x', namespace: 'default', ...fields })
const status = event('1', {
  type: 'expired',
  server: 'default/weather',
  reason: 'lease_lapsed',
  data: { old_status: 'healthy', new_status: 'unhealthy', coalesced: 3 },
})
const all = [
  status,
  event('2', {
    type: 'registered',
    server: 'team/a\u001B[2J',
    principal: 'ann',
    data: { agent_type: 'mcp_agent', version: '1.0.0' },
  }),
  event('3', { type: 'added', server: 'default/b', source: 'files', data: { origin: '/etc/mcp/b.json' } }),
  event('4', { type: 'removed', source: 'files', reason: 'many_at_once', data: { more: 500 } }),
  event('5', {
    type: 'changed',
    server: 'default/b',
    data: { fields: ['url', 'capabilities'], capabilities: { added: ['x'], removed: ['y'] } },
  }),
  event('6', {
    type: 'rewired',
    server: 'default/cons',
    function_name: 'use',
    reason: 'better_provider',
    data: { dep_index: 0, spec: { capability: 'clock' }, prior_chosen: 'p', chosen: { agent_id: 'q' } },
  }),
  event('7', { type: 'rejected', source: 'files', reason: 'url: must be a URL', data: { rejected: 2, before: 0 } }),
  event('8', { type: 'source', source: 'dns', reason: 'timeout', data: { old_state: 'synced', new_state: 'stale' } }),
  event('9', { type: 'reload', reason: 'invalid', data: { applied: false } }),
]

describe('mcp-roster events', () => {
  it('prints one line for each event, the oldest first, control characters escaped', async () => {
    await using daemon = await answering(
      (_, response) => void response.end(JSON.stringify({ events: all.toReversed(), count: 9, last_id: '9' })),
    )

    const { out, code } = await running(['events', '--url', daemon.url])

    assert.equal(code, 0)
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.replaceAll(/ {2,}/g, '  ')),
      [
        '2026-01-31T12:00:00Z  expired  weather  healthy → unhealthy (lease_lapsed) (and 3 more like it)',
        String.raw`2026-01-31T12:00:00Z  registered  team/a\u001b[2J  mcp_agent 1.0.0 by ann`,
        '2026-01-31T12:00:00Z  added  b  files: /etc/mcp/b.json',
        '2026-01-31T12:00:00Z  removed  source files  500 more servers (many_at_once)',
        '2026-01-31T12:00:00Z  changed  b  url, capabilities +x -y',
        '2026-01-31T12:00:00Z  rewired  cons use[0]  clock: p → q (better_provider)',
        '2026-01-31T12:00:00Z  rejected  source files  2 entries (url: must be a URL)',
        '2026-01-31T12:00:00Z  source  source dns  synced → stale (timeout)',
        '2026-01-31T12:00:00Z  reload  config  failed (invalid)',
      ],
    )
  })

  it('passes its filters on, and prints the answer as JSON', async () => {
    const answer = { events: [status], count: 1, last_id: '1' }
    await using daemon = await answering((_, response) => void response.end(JSON.stringify(answer)))
    const filters = [
      '--agent',
      'a',
      '--server',
      's',
      '--function',
      'f',
      '-n',
      'team',
      '--type',
      'status',
      '--source',
      'x',
    ]

    const { out } = await running([
      'events',
      '--url',
      daemon.url,
      ...filters,
      '--since',
      '15m',
      '--limit',
      '7',
      '-o',
      'json',
    ])
    const wrong = await running(['events', '--url', daemon.url, '--limit', 'many'])

    assert.deepEqual(JSON.parse(out), answer)
    assert.equal(
      daemon.requests[0]?.url,
      '/events?type=status&agent_id=a&server=s&function_name=f&namespace=team&source=x&since=15m&limit=7',
    )
    assert.equal(wrong.code, 2)
  })

  it('says that there are none, and what the daemon refuses', async () => {
    await using daemon = await answering(({ url = '' }, response) => {
      if (url.includes('type=')) response.statusCode = 403
      response.end(JSON.stringify({ events: [], count: 0, last_id: '0', detail: 'not permitted' }))
    })

    const none = await running(['events', '--url', daemon.url])
    const refused = await running(['events', '--url', daemon.url, '--type', 'status'])

    assert.deepEqual([none.code, none.out, none.err], [0, '', 'No events found.\n'])
    assert.deepEqual([refused.code, refused.out], [1, ''])
    assert.match(refused.err, /not permitted.*MCP_ROSTER_TOKEN/)
  })

  it('follows with -f: each event once, across a daemon that is away for a moment', async () => {
    let requests = 0
    await using daemon = await answering(({ url = '' }, response) => {
      requests += 1
      const after = Number(new URL(url, 'http://h').searchParams.get('after'))
      if (requests === 3) response.statusCode = 503
      const events =
        after === 0 ? [status] : after === 1 ? [event('2', { type: 'reload', data: { applied: true } })] : []
      if (after < 2) response.end(JSON.stringify({ events, count: 1, last_id: String(after + 1) }))
    })
    const ending = new AbortController()
    let out = ''
    const { code, err } = await running(['events', '-f', '--url', daemon.url, '-o', 'json'], {
      signal: ending.signal,
      onOut: (text) => {
        out += text
        if (out.split('\n').length > 2) ending.abort()
      },
    })

    assert.equal(code, 0)
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
      ['1', '2'],
    )
    assert.equal(daemon.requests[1]?.url, '/events?limit=500&after=1&wait=20s')
    assert.ok(err === '' || err.includes('retry in'))
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  connectRoster,
  type Resumption,
  type RosterEvent,
  RosterError,
  type WatchOptions,
} from '../../src/client/index.ts'
import { until } from '../e2e/daemon-process.ts'
import { bookmark, breakingAfter, event, refusing, resync, scripted, telling } from './stream.ts'

/** Watches until `count` events have arrived; returns them in short form. */
async function watched(url: string, count: number, options: WatchOptions = {}): Promise<string[]> {
  const events: string[] = []
  for await (const one of connectRoster({ url, maxPauseMs: 5 }).watch(options)) {
    events.push(short(one))
    if (events.length === count) break
  }
  return events
}

function short(one: RosterEvent): string {
  if (one.type === 'BOOKMARK') return `BOOKMARK ${one.token}`
  if (one.type === 'RESYNC') return `RESYNC ${one.reason}`
  return `${one.type} ${one.server.name}${one.token ? ` ${one.token}` : ''}`
}

describe('a watch', () => {
  it('yields the current servers, then each revision with its token on the last event', async () => {
    await using roster = await scripted(
      telling(
        'retry: 1000\n\n',
        event('ADDED', { name: 'a' }),
        bookmark('e-1'),
        ':\n\n',
        event('MODIFIED', { name: 'a' }) + event('ADDED', { name: 'b' }, 'e-2'),
        event('DELETED', { name: 'a' }, 'e-3'),
      ),
    )

    const events = await watched(roster.url, 5, { query: { tag: ['geo', 'free'], label_selector: 'a in (b)' } })

    assert.deepEqual(events, ['ADDED a', 'BOOKMARK e-1', 'MODIFIED a', 'ADDED b e-2', 'DELETED a e-3'])
    assert.equal(roster.requests[0]?.url, '/servers/watch?tag=geo&tag=free&label_selector=a+in+%28b%29')
    await until(() => roster.open() === 0)
  })

  it('asks for the id and the source beside its fields', async () => {
    await using roster = await scripted(telling(event('ADDED', { name: 'a' }), bookmark('e-1')))

    await watched(roster.url, 2, { query: { fields: ['status', 'id'] } })

    assert.equal(roster.requests[0]?.url, '/servers/watch?fields=id&fields=source&fields=status')
  })

  it('resumes after a cut connection without half a revision', async () => {
    await using roster = await scripted(
      breakingAfter(
        event('ADDED', { name: 'a' }),
        bookmark('e-1'),
        event('ADDED', { name: 'b' }),
        'event: ADDED\ndata',
      ),
      telling(event('ADDED', { name: 'b' }), event('ADDED', { name: 'c' }, 'e-2')),
    )

    const resumptions: Resumption[] = []

    const events = await watched(roster.url, 4, { onResume: (resumption) => void resumptions.push(resumption) })

    assert.deepEqual(events, ['ADDED a', 'BOOKMARK e-1', 'ADDED b', 'ADDED c e-2'])
    assert.deepEqual(resumptions, [{ exact: true, token: 'e-1' }])
    assert.deepEqual(
      roster.requests.map(({ lastEventId }) => lastEventId),
      [undefined, 'e-1'],
    )
  })

  it('yields the difference after a RESYNC', async () => {
    await using roster = await scripted(
      breakingAfter(
        event('ADDED', { name: 'gone' }),
        event('ADDED', { name: 'same' }),
        event('ADDED', { name: 'other' }),
        bookmark('e-1'),
        event('ADDED', { name: 'late' }, 'e-2'),
      ),
      breakingAfter(resync('epoch: another life'), event('ADDED', { name: 'same' })),
      telling(
        resync('epoch: another life'),
        event('ADDED', { name: 'same' }),
        event('ADDED', { name: 'other', tags: ['new'] }),
        event('ADDED', { name: 'come' }),
        bookmark('f-1'),
      ),
    )

    const resumptions: Resumption[] = []

    const events = await watched(roster.url, 10, { onResume: (resumption) => void resumptions.push(resumption) })

    assert.deepEqual(resumptions, [{ exact: false, token: 'f-1', reason: 'epoch: another life' }])
    assert.deepEqual(events.slice(5), ['DELETED gone', 'DELETED late', 'MODIFIED other', 'ADDED come', 'BOOKMARK f-1'])
  })

  it('yields servers of a source that was unread at the reconnect as changed, not as added again', async () => {
    await using roster = await scripted(
      breakingAfter(event('ADDED', { name: 'a', source: 'files' }), bookmark('e-1')),
      telling(bookmark('f-1'), event('ADDED', { name: 'a', source: 'files', version: '2' }, 'f-2')),
    )
    roster.syncing.push('files')
    const resumptions: Resumption[] = []

    const events = await watched(roster.url, 4, { onResume: (resumption) => void resumptions.push(resumption) })

    assert.deepEqual(resumptions, [
      { exact: false, token: 'f-1', reason: 'the roster had not read all of its sources' },
    ])
    assert.deepEqual(events, ['ADDED a', 'BOOKMARK e-1', 'BOOKMARK f-1', 'MODIFIED a f-2'])
  })

  it('yields RESYNC where it began with a token that cannot be resumed', async () => {
    await using roster = await scripted(
      breakingAfter(resync('expired'), event('ADDED', { name: 'a' }), bookmark('e-9')),
      telling(resync('expired'), event('ADDED', { name: 'b' }), bookmark('e-10')),
    )

    const events = await watched(roster.url, 6, { since: 'e-1' })

    assert.equal(roster.requests[0]?.lastEventId, 'e-1')
    assert.deepEqual(events, ['RESYNC expired', 'ADDED a', 'BOOKMARK e-9', 'DELETED a', 'ADDED b', 'BOOKMARK e-10'])
  })

  it('yields RESYNC again when the list after it breaks off', async () => {
    await using roster = await scripted(
      breakingAfter(resync('expired'), event('ADDED', { name: 'a' })),
      telling(resync('expired'), event('ADDED', { name: 'b' }), bookmark('e-9')),
    )

    const events = await watched(roster.url, 3, { since: 'd-1' })

    assert.deepEqual(events, ['RESYNC expired', 'ADDED b', 'BOOKMARK e-9'])
  })

  it('retries while a roster is down or busy and reports each pause', async () => {
    await using roster = await scripted(
      refusing(503, 'not now', { 'retry-after': '1' }),
      (_, response) => void response.destroy(),
      telling('event: CLOSED\ndata: {"reason":"behind: too slow"}\n\n'),
      telling(bookmark('e-1')),
    )
    const pauses: [number, string][] = []

    const events = await watched(roster.url, 1, {
      onPause: ({ status, message }, ms) => {
        assert.ok(ms <= 5)
        pauses.push([status, message])
      },
    })

    assert.deepEqual(events, ['BOOKMARK e-1'])
    assert.deepEqual(
      pauses.map(([status]) => status),
      [503, 0, 0],
    )
    assert.match(pauses[2]?.[1] ?? '', /behind: too slow/)
  })

  it('pauses before a reconnect even for Retry-After: 0', async () => {
    await using roster = await scripted(refusing(503, 'busy', { 'retry-after': '0' }))
    const pauses: number[] = []
    const onPause = (_: RosterError, ms: number) => {
      pauses.push(ms)
      throw new Error('seen')
    }

    await assert.rejects(connectRoster({ url: roster.url }).watch({ onPause }).next(), /seen/)

    assert.deepEqual(pauses, [100])
  })

  it('rejects with the problem of the roster where a retry cannot help', async () => {
    for (const status of [400, 401, 403, 404]) {
      await using roster = await scripted(refusing(status, 'so not'))
      await assert.rejects(watched(roster.url, 1), (error) => {
        assert.ok(error instanceof RosterError)
        assert.deepEqual([error.status, error.message, error.problem?.detail], [status, 'so not', 'so not'])
        return true
      })
      assert.equal(roster.requests.length, 1)
    }
    await using web = await scripted((_, response) => void response.end('<html>'))
    await assert.rejects(watched(web.url, 1), /may not be an mcp-roster/)
  })

  it('ends without an error when its signal aborts, also during a pause', async () => {
    await using roster = await scripted(telling(event('ADDED', { name: 'a' }), bookmark('e-1')))
    const reading = new AbortController()
    for await (const one of connectRoster({ url: roster.url }).watch({ signal: reading.signal })) {
      if (one.type === 'BOOKMARK') reading.abort()
    }
    const pausing = new AbortController()
    const unreachable = connectRoster({ url: 'http://127.0.0.1:1' })
    for await (const _ of unreachable.watch({ signal: pausing.signal, onPause: () => pausing.abort() })) assert.fail()
    await until(() => roster.open() === 0)
  })

  it('reconnects after a silent connection', async () => {
    await using roster = await scripted(
      telling(event('ADDED', { name: 'a' }), bookmark('e-1')),
      telling(event('ADDED', { name: 'b' }, 'e-2')),
    )
    const events: string[] = []

    for await (const one of connectRoster({ url: roster.url, quietMs: 400, maxPauseMs: 5 }).watch()) {
      events.push(short(one))
      if (events.length === 3) break
    }

    assert.deepEqual(events, ['ADDED a', 'BOOKMARK e-1', 'ADDED b e-2'])
    assert.equal(roster.requests[1]?.lastEventId, 'e-1')
  })

  it('parses every kind of line end and single-byte chunks', async () => {
    const text = event('ADDED', { name: 'grüße 🦜' }) + bookmark('e-1')
    for (const newline of ['\n', '\r\n', '\r']) {
      const bytes = Buffer.from(text.replaceAll('\n', newline) + (newline === '\r' ? ':' : ''))
      await using roster = await scripted((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const byte of bytes) response.write(Buffer.from([byte]))
      })

      assert.deepEqual(await watched(roster.url, 2), ['ADDED grüße 🦜', 'BOOKMARK e-1'])
    }
  })

  it('rejects a message longer than the limit', async () => {
    const piece = 'x'.repeat(1024 * 1024)
    await using roster = await scripted(telling('data: ', ...Array.from({ length: 20 }, () => piece)))

    await assert.rejects(watched(roster.url, 1), /longer than \d+ characters/)

    assert.equal(roster.requests.length, 1)
  })
})

describe('following', () => {
  it('keeps a map that changes by whole revisions and survives a restart of the roster', async () => {
    let go: (() => void) | undefined
    await using roster = await scripted(
      async (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(event('ADDED', { name: 'a' }) + bookmark('e-1'))
        await new Promise<void>((resolve) => (go = resolve))
        response.write(event('DELETED', { name: 'a' }) + event('ADDED', { name: 'b' }, 'e-2'))
        response.end()
      },
      telling(resync('epoch'), event('ADDED', { name: 'c' }), bookmark('f-1')),
    )
    const pictures: string[][] = []
    const names = () => [...following.servers.values()].map(({ name }) => name)

    await using following = await connectRoster({ url: roster.url, maxPauseMs: 5 }).follow(
      {},
      { onChange: () => pictures.push(pictures.length === 0 ? ['a'] : names()) },
    )
    assert.deepEqual([names(), following.token()], [['a'], 'e-1'])
    go?.()
    await until(() => following.token() === 'f-1')

    assert.deepEqual(pictures, [['a'], ['b'], ['c']])
    assert.deepEqual([...following.servers.keys()], ['default/c'])
  })

  it('resolves with the error that ended it', async () => {
    await using roster = await scripted(breakingAfter(bookmark('e-1')), refusing(401, 'the token is no longer good'))

    const following = await connectRoster({ url: roster.url, maxPauseMs: 5 }).follow()

    const error = await following.ended
    assert.deepEqual([error?.status, error?.message], [401, 'the token is no longer good'])
  })

  it('ends on disposal', async () => {
    await using roster = await scripted(telling(bookmark('e-1')))
    const ending = new AbortController()
    const following = await connectRoster({ url: roster.url }).follow({}, { signal: ending.signal })

    ending.abort()

    assert.equal(await following.ended, undefined)
    await until(() => roster.open() === 0)
  })
})

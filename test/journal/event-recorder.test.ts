import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createEventRecorder } from '../../src/journal/event-recorder.ts'
import type { JournalEvent } from '../../src/journal/event.ts'
import type { SourceState } from '../../src/model/status.ts'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'

type Events = { events: { type: string; server?: string; source?: string; principal?: string; reason?: string }[] }

const config = (folder: string) =>
  `store: { type: sqlite, path: ${folder}/roster.db }\nsources:\n  - { type: file, paths: [${folder}/servers] }\n  - { type: agents }\n`
const definition = (url: string) => JSON.stringify({ mcpServers: { weather: { url, health_check: 'none' } } })

describe('the events of a daemon', () => {
  it('tell of agents, servers by hand and in files, bad entries and reloads, and survive a restart', async () => {
    using folder = temporary()
    mkdirSync(folder.at('servers'))
    const write = (name: string, text: string) => writeFileSync(folder.at('servers', name), text)
    write('first.json', definition('http://first.example/mcp').replace('weather', 'first'))
    const start = () => startHere(config(folder.path), { folder })
    const textOf = ({ type, server, source, principal }: Events['events'][number]) =>
      [type, server ?? source, principal].filter((part) => part !== undefined).join(' ')
    {
      await using daemon = await start()
      const events = async () => (await daemon.ask<Events>('GET', '/events')).body.events.map(textOf)
      assert.deepEqual(await events(), [])

      await daemon.ask('POST', '/heartbeat', { agent_id: 'planner', http_host: '127.0.0.1', http_port: 1, tools: [] })
      await daemon.ask('PUT', '/servers/hand', { url: 'http://hand.example/mcp', health_check: 'none' })
      write('second.json', definition('http://a.example/mcp'))
      await until(async () => (await events()).includes('added default/weather'))
      write('second.json', definition('ftp://a.example/mcp'))
      await until(async () => (await events()).includes('rejected file'))
      await daemon.reload(config(folder.path))
      await daemon.ask('DELETE', '/agents/planner')

      assert.deepEqual(
        new Set(await events()),
        new Set([
          'registered default/planner anonymous',
          'added default/hand anonymous',
          'added default/weather',
          'rejected file',
          'reload',
          'unregistered default/planner anonymous',
        ]),
      )
    }
    await using daemon = await start()
    const { body } = await daemon.ask<Events>('GET', '/events')
    const metrics = await (await daemon.get('/metrics')).text()

    // The bad entry is found again.
    assert.equal(body.events.filter(({ type }) => type !== 'rejected').length, 5)
    assert.match(metrics, /^roster_events_total \d+$/m)
    assert.match(metrics, /^roster_dropped_events_total 0$/m)
  })

  it('tell that a source fails and is read again, but not that it is read at the start', async () => {
    const events: JournalEvent[] = []
    await using recorder = createEventRecorder({
      journal: {
        record: (event) => void events.push(event),
        read: async () => ({ events: [], newest: '0', oldest: undefined }),
        isEnabled: () => true,
      },
      source: () => 'agents',
      onError: () => assert.fail(),
    })
    const turn = (before: SourceState, state: SourceState, reason?: string) =>
      recorder.source({ type: 'state', source: 'dns', before, state, servers: 3, reason })
    turn('starting', 'synced')
    turn('synced', 'stale', 'timeout')
    turn('stale', 'synced')
    turn('starting', 'degraded', 'refused')
    recorder.source({ type: 'rejections', source: 'dns', before: 2, rejected: 0, first: undefined })
    recorder.reload({ applied: false, reason: 'invalid' })

    assert.deepEqual(
      events.map(({ type, source, reason, data }) => [type, source, reason, data?.()]),
      [
        ['source', 'dns', 'timeout', { old_state: 'synced', new_state: 'stale', servers: 3 }],
        ['source', 'dns', undefined, { old_state: 'stale', new_state: 'synced', servers: 3 }],
        ['source', 'dns', 'refused', { old_state: 'starting', new_state: 'degraded', servers: 3 }],
        ['rejected', 'dns', 'cleared', { rejected: 0, before: 2 }],
        ['reload', undefined, 'invalid', { applied: false }],
      ],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createTargetTable } from '../../src/health/target-table.ts'
import type { Change, RegisteredServer } from '../../src/model/change.ts'
import type { ServerId } from '../../src/model/names.ts'
import { registered } from '../builders.ts'

const url = 'http://weather.example/mcp'

/** A table whose registry is a map; records the calls of the runner and the evaluator. */
function tableWith() {
  const servers = new Map<ServerId, RegisteredServer>()
  const calls: string[] = []
  const table = createTargetTable({
    get: (id) => servers.get(id),
    runner: {
      begin: ({ host }) => void calls.push(`begin ${host}`),
      rescheduleEarlier: ({ host }, server) => void calls.push(`reschedule ${server?.server.id ?? host}`),
      end: ({ host }) => void calls.push(`end ${host}`),
    },
    evaluator: {
      join: (_, id) => void calls.push(`join ${id}`),
      forget: ({ host }) => void calls.push(`forget ${host}`),
    },
  })
  const change = (name: string, fields?: object): Change => {
    const id: ServerId = `default/${name}`
    const before = servers.get(id)
    const now = fields && { ...registered({ name, url, ...fields }), reach: 'any' as const }
    if (now) servers.set(id, now)
    else servers.delete(id)
    return (now ? { type: before ? 'MODIFIED' : 'ADDED', now, before } : { type: 'DELETED', before }) as Change
  }
  const follow = (...changes: Change[]) => {
    table.follow({ changes })
    return calls.splice(0)
  }
  return { change, follow, size: table.size, of: (id: ServerId) => table.of(id) }
}

describe('target table', () => {
  it('begins a target with its first server and ends it with its last', () => {
    const { change, follow, size } = tableWith()

    assert.deepEqual(follow(change('one', {})), ['begin weather.example:80', 'join default/one'])
    assert.deepEqual(follow(change('two', {})), ['reschedule default/two', 'join default/two'])
    assert.equal(size(), 1)
    assert.deepEqual(follow(change('one')), [])
    assert.deepEqual(follow(change('two')), ['end weather.example:80', 'forget weather.example:80'])
    assert.equal(size(), 0)
  })

  it('moves a server to another target when its URL changes', () => {
    const { change, follow, of } = tableWith()
    follow(change('one', {}))
    const before = of('default/one')

    assert.deepEqual(follow(change('one', { url: 'http://other.example/mcp' })), [
      'end weather.example:80',
      'forget weather.example:80',
      'begin other.example:80',
      'join default/one',
    ])
    assert.equal(before?.ids.size, 0)
    assert.deepEqual([...(of('default/one')?.ids ?? [])], ['default/one'])
  })

  it('reschedules a target when the interval of one of its servers changes', () => {
    const { change, follow } = tableWith()
    follow(change('one', { health_check_interval: 60 }))

    assert.deepEqual(follow(change('one', { health_check_interval: 5 })), ['reschedule weather.example:80'])
    assert.deepEqual(follow(change('one', { health_check_interval: 5, tags: ['new'] })), [])
  })

  it('looks up a server of a large change that is still being processed', async () => {
    const { change, follow, of, size } = tableWith()
    const names = Array.from({ length: 1000 }, (_, index) => `s${index}`)

    follow(...names.map((name) => change(name, { url: `http://${name}.example/mcp` })))
    assert.ok(size() < 1000)
    assert.equal(of('default/s999')?.host, 's999.example:80')
    while (size() < 1000) await setImmediate()
  })
})

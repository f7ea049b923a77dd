import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLeaseExpirations } from '../../src/agents/lease-expirations.ts'
import type { LeaseTransition } from '../../src/agents/leases/lease.ts'
import { testAgent } from './fixtures.ts'

function createRun(transitions: readonly LeaseTransition[], { commit }: { commit?: () => Promise<never> } = {}) {
  const agents = new Map(transitions.map(({ lease }) => [lease.id, { ...testAgent(lease.id), lease }]))
  const calls: string[] = []
  const log = (fields: object, message?: string) => void calls.push(`log: ${message} ${JSON.stringify(fields)}`)
  const expirations = createLeaseExpirations({
    leases: { applyExpirations: () => transitions },
    table: {
      get: (id) => agents.get(id),
      remove: (ids) => {
        calls.push(`remove: ${ids.join()}`)
        for (const id of ids) agents.delete(id)
      },
    },
    writer: {
      write: (changed) => void calls.push(`write: ${changed.map(({ id }) => id).join()}`),
      flush: () => void calls.push('flush'),
    },
    store: {
      commit: async (operations) => {
        calls.push(`commit: ${operations.map(({ type, name }) => `${type} ${name}`).join()}`)
        return (await commit?.()) ?? []
      },
      recordHeartbeats: (heartbeats) =>
        void calls.push(`record: ${heartbeats.map(({ name, self_report }) => `${name} ${self_report}`).join()}`),
    },
    log: { info: log, warn: log } as Parameters<typeof createLeaseExpirations>[0]['log'],
  })
  return { ...expirations, calls }
}

const transition = (id: string, status: LeaseTransition['status']): LeaseTransition => ({
  lease: testAgent(id, {}, { lease: status === 'forgotten' ? {} : { status } }).lease,
  status,
})

describe('lease expirations', () => {
  it('lease expirations write agents with a new status, and remove forgotten ones here and from the store', () => {
    const { applyExpirations, expiredCount, calls } = createRun([
      transition('a', 'unhealthy'),
      transition('b', 'forgotten'),
    ])

    applyExpirations()

    assert.deepEqual(calls, [
      'log: agent lease expired {"agent":"a","status":"unhealthy"}',
      'log: agent lease expired {"agent":"b","status":"forgotten"}',
      'write: a',
      'record: a lapsed',
      'remove: b',
      'commit: delete b',
      'flush',
    ])
    assert.equal(expiredCount(), 1)
  })

  it('lease expirations log at most twenty agents by name', () => {
    const { applyExpirations, calls } = createRun(
      Array.from({ length: 25 }, (_, at) => transition(`a${at}`, 'offline')),
    )

    applyExpirations()

    assert.equal(calls.filter((line) => line.startsWith('log: agent lease expired')).length, 20)
    assert.ok(calls.includes('log: more agent leases expired {"more":5}'))
  })

  it('lease expirations log a store that cannot remove forgotten agents', async () => {
    const { applyExpirations, calls } = createRun([transition('a', 'forgotten')], {
      commit: () => Promise.reject(new Error('down')),
    })

    applyExpirations()
    await new Promise((resolve) => setImmediate(resolve))

    assert.ok(calls.at(-1)?.startsWith('log: forgotten agents not removed from the store'))
  })
})

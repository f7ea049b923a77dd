import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLeaseExpirations } from '../../src/agents/lease-expirations.ts'
import type { LeaseTransition } from '../../src/agents/leases/lease.ts'
import { alone, type Duty } from '../../src/stores/member.ts'
import { type OperationOutcome, StoreUnavailable } from '../../src/stores/store.ts'
import { storedRegistration, testAgent } from './fixtures.ts'

function createRun(
  transitions: readonly LeaseTransition[],
  { commit, duty }: { commit?: () => Promise<readonly OperationOutcome[]>; duty?: Duty } = {},
) {
  const agents = new Map(transitions.map(({ lease }) => [lease.id, { ...testAgent(lease.id), lease }]))
  const calls: string[] = []
  const log = (fields: object, message?: string) => void calls.push(`log: ${message} ${JSON.stringify(fields)}`)
  const expirations = createLeaseExpirations({
    leases: { applyExpirations: () => transitions },
    table: {
      get: (id) => agents.get(id),
      applyDeletion: (id, version) => void calls.push(`remove: ${id} ${version}`),
      applyHeartbeats: (heartbeats) => {
        calls.push(`alive: ${heartbeats.map(({ name }) => name).join()}`)
        return heartbeats.flatMap(({ name }) => agents.get(name) ?? [])
      },
    },
    learn: (known, current) => void calls.push(`learn: ${known.id} ${current?.resource_version}`),
    writer: {
      write: (changed) => void calls.push(`write: ${changed.map(({ id }) => id).join()}`),
      flush: () => void calls.push('flush'),
    },
    store: {
      commit: async (operations) => {
        const fences = operations.map((operation) => ('fence' in operation ? operation.fence : undefined))
        assert.deepEqual(fences, operations.map(duty ?? alone))
        calls.push(`commit: ${operations.map(({ type, name }) => `${type} ${name}`).join()}`)
        return (await commit?.()) ?? []
      },
      recordHeartbeats: (heartbeats) =>
        void calls.push(`record: ${heartbeats.map(({ name, self_report }) => `${name} ${self_report}`).join()}`),
    },
    log: { info: log, warn: log } as Parameters<typeof createLeaseExpirations>[0]['log'],
    duty,
    onForgotten: ({ id }) => void calls.push(`forgotten: ${id}`),
  })
  return { ...expirations, calls }
}

const transition = (id: string, status: LeaseTransition['status']): LeaseTransition => ({
  lease: testAgent(id, {}, { lease: status === 'forgotten' ? {} : { status } }).lease,
  status,
  silentMs: 3_600_000,
})

const macrotask = () => new Promise((resolve) => setImmediate(resolve))

describe('lease expirations', () => {
  it('lease expirations write agents with a new status, and ask the store to retire silent ones', () => {
    const { applyExpirations, expiredCount, calls } = createRun([
      transition('a', 'unhealthy'),
      transition('b', 'forgotten'),
    ])

    applyExpirations()

    assert.deepEqual(calls, [
      'log: agent lease expired {"agent":"a","status":"unhealthy"}',
      'write: a',
      'record: a lapsed',
      'commit: retire b',
      'flush',
    ])
    assert.equal(expiredCount(), 1)
  })

  it('an agent goes only once the store has retired it, and lives on where another daemon has heard of it', async () => {
    const stored = storedRegistration('changed', '9')
    const { applyExpirations, calls } = createRun(
      ['gone', 'alive', 'changed', 'missing'].map((id) => transition(id, 'forgotten')),
      {
        commit: async () => [
          { type: 'deleted', before: storedRegistration('gone', '7'), resource_version: '8' },
          { type: 'alive', heartbeat: { name: 'alive', age_ms: 5 } },
          { type: 'conflict', current: stored },
          { type: 'conflict', current: undefined },
        ],
      },
    )

    applyExpirations()
    assert.deepEqual(calls, ['commit: retire gone,retire alive,retire changed,retire missing', 'flush'])
    calls.length = 0
    await macrotask()

    assert.deepEqual(calls, [
      'log: agent retired after its retention {"agent":"gone"}',
      'forgotten: gone',
      'remove: gone 8',
      'alive: alive',
      'write: alive',
      'learn: changed 9',
      'learn: missing undefined',
    ])
  })

  it('only the daemon whose duty it is retires agents, and one whose term has ended keeps them', async () => {
    const silentAgents = [transition('a', 'unhealthy'), transition('b', 'forgotten')]
    const other = createRun(silentAgents, { duty: () => undefined })
    other.applyExpirations()
    assert.ok(other.calls.includes('write: a'), 'statuses are shown by each daemon')
    assert.ok(!other.calls.some((line) => line.startsWith('commit')))

    const paused = createRun(silentAgents.slice(1), {
      duty: () => ({ id: 'x', incarnation: '1' }),
      commit: async () => [{ type: 'fenced' }],
    })
    paused.applyExpirations()
    await macrotask()
    assert.deepEqual(paused.calls, ['commit: retire b', 'flush'])
  })

  it('lease expirations log at most twenty agents by name', () => {
    const { applyExpirations, calls } = createRun(
      Array.from({ length: 25 }, (_, at) => transition(`a${at}`, 'offline')),
    )

    applyExpirations()

    assert.equal(calls.filter((line) => line.startsWith('log: agent lease expired')).length, 20)
    assert.ok(calls.includes('log: more agent leases expired {"more":5}'))
  })

  it('lease expirations keep agents that the store cannot retire, and log an unexpected failure', async () => {
    for (const [error, logged] of [
      [new StoreUnavailable('down'), false],
      [new Error('odd'), true],
    ] as const) {
      const { applyExpirations, calls } = createRun([transition('a', 'forgotten')], {
        commit: () => Promise.reject(error),
      })

      applyExpirations()
      await macrotask()

      assert.equal(
        calls.some((line) => line.startsWith('log: silent agents not retired')),
        logged,
      )
      assert.ok(!calls.some((line) => line.startsWith('remove')))
    }
  })
})

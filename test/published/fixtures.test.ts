import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'

/** A place for a dependency in the answer to a heartbeat. */
type Slot = { agent_id: string; capability: string; endpoint: string; function_name: string; status: string }
type Resolved = Record<string, Slot[]>
type Fixture = { registration: string; alone: Resolved; together: Resolved }
type Answer = { status: string; agent_id: string; dependencies_resolved: Resolved }

const read = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8'))
const fixtures = read('answers.json') as Fixture[]

/** The original writes `unresolved` where the runtime of mid-2025 only understands `unavailable`. */
const sameWord = (resolved: Resolved): Resolved =>
  Object.fromEntries(
    Object.entries(resolved).map(([name, slots]) => [
      name,
      slots.map((slot) => (slot.status === 'unresolved' ? { ...slot, status: 'unavailable' } : slot)),
    ]),
  )

describe('registrations of the Go registry', () => {
  for (const { registration, alone } of fixtures) {
    it(`${registration} resolves as there, alone`, async () => {
      await using daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')

      const { status, body } = await daemon.ask<Answer>('POST', '/heartbeat', read(registration))

      assert.deepEqual([status, body.status], [200, 'success'])
      assert.deepEqual(body.dependencies_resolved, sameWord(alone))
    })
  }

  it('all seven together resolve as there', async () => {
    await using daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
    for (const { registration } of fixtures) await daemon.ask('POST', '/heartbeat', read(registration))

    const resolved = await Promise.all(
      fixtures.map(async ({ registration }) => await daemon.ask<Answer>('POST', '/heartbeat', read(registration))),
    )

    assert.deepEqual(
      resolved.map(({ body }) => body.dependencies_resolved),
      fixtures.map(({ together }) => sameWord(together)),
    )
  })
})

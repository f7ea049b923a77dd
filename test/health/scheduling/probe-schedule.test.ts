import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProbeTarget, type ProbeTarget } from '../../../src/health/probe-target.ts'
import { createProbeSchedule } from '../../../src/health/scheduling/probe-schedule.ts'
import { ServerDefinition } from '../../../src/model/server.ts'
import { many } from '../create-test-monitor.ts'
import { createFakeClock } from '../fake-clock.ts'

function createSchedule() {
  const time = createFakeClock()
  const batches: (readonly ProbeTarget[])[] = []
  const schedule = createProbeSchedule({ clock: time.clock, onDue: (targets) => void batches.push(targets) })
  const targets = many(3).map(({ name, url }) =>
    createProbeTarget(url, { server: ServerDefinition.parse({ name, url }) } as never, new Set()),
  )
  return { ...time, schedule, batches, targets: targets as [ProbeTarget, ProbeTarget, ProbeTarget] }
}

describe('probe schedule', () => {
  it('starts probes due within 25 ms together, earliest first', async () => {
    const { schedule, batches, targets, clock, pass } = createSchedule()
    const [one, two, three] = targets
    schedule.set(three, clock.now() + 2000)
    schedule.set(two, clock.now() + 1020)
    schedule.set(one, clock.now() + 1000)

    await pass(1024)
    assert.deepEqual(batches, [])
    await pass(1)
    assert.deepEqual(batches, [[one, two]])
    await pass(1000)
    assert.deepEqual(batches, [[one, two], [three]])
  })

  it('replaces and deletes a scheduled probe', async () => {
    const { schedule, batches, targets, clock, pass } = createSchedule()
    const [one, two, three] = targets
    for (const target of targets) schedule.set(target, clock.now() + 1000)
    schedule.set(one, clock.now() + 100)
    schedule.set(two, clock.now() + 5000)
    schedule.delete(three)
    assert.equal(schedule.dueAt(two), clock.now() + 5000)

    await pass(4000)
    assert.deepEqual(batches, [[one]])
    await pass(1025)
    assert.deepEqual(batches, [[one], [two]])
    assert.equal(schedule.dueAt(two), undefined)
  })

  it('leaves no timer when closed', () => {
    const { schedule, targets, clock, timers } = createSchedule()
    schedule.set(targets[0], clock.now() + 1000)
    schedule.close()
    schedule.set(targets[1], clock.now() + 10)

    assert.equal(timers(), 0)
  })
})

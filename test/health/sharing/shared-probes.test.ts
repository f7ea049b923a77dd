import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KnownVerdict, VerdictExchange } from '../../../src/health/sharing/probe-duty.ts'
import { createRandom } from '../../random.ts'
import { createTestMonitor, many, refused, type TestMonitor, well } from '../create-test-monitor.ts'
import { createFakeClock } from '../fake-clock.ts'

type Listener = Parameters<VerdictExchange['subscribe']>[0]

/** The verdicts of one store, and the members that are alive: each is told at once what another one writes. */
function createStore(ids: readonly string[]) {
  const verdicts = new Map<string, KnownVerdict>()
  const listeners = new Map<string, Listener>()
  let alive: readonly string[] = ids

  const exchangeOf = (id: string): VerdictExchange => ({
    self: () => (alive.includes(id) ? id : undefined),
    // The order of the members is turned by the key.
    orderOf: (key) => {
      const turn = (key.codePointAt(0) ?? 0) % ids.length
      return [...ids.slice(turn), ...ids.slice(0, turn)].filter((member) => alive.includes(member))
    },
    secret: () => 'secret',
    read: (key) => verdicts.get(key),
    write: (key, verdict) => {
      verdicts.set(key, { ...verdict, prober: id })
      for (const [other, { onVerdicts }] of listeners) if (other !== id) onVerdicts([key])
    },
    subscribe: (listener) => {
      listeners.set(id, listener)
      return () => void listeners.delete(id)
    },
  })

  return {
    verdicts,
    exchangeOf,
    setAlive: (members: readonly string[]) => {
      alive = members
      for (const { onMembers } of listeners.values()) onMembers()
    },
  }
}

/** Three daemons of one store on one clock. */
function createDaemons({ interval = 10 } = {}) {
  const time = createFakeClock()
  const store = createStore(['a', 'b', 'c'])
  const daemons = ['a', 'b', 'c'].map((id, at) =>
    createTestMonitor({
      time,
      exchange: store.exchangeOf(id),
      random: createRandom(at + 1).next,
      config: { interval },
    }),
  ) as [TestMonitor, TestMonitor, TestMonitor]
  const probes = () => daemons.flatMap(({ started }) => started.splice(0))
  const shown = ({ registry }: TestMonitor) =>
    registry.list().map(({ server: { id, status, health } }) => `${id} ${status} ${health.since}`)
  return { ...store, daemons, probes, shown, pass: daemons[0].pass }
}

describe('monitors that share verdicts', () => {
  it('probe each target once an interval, and show the same statuses and times', async () => {
    const { daemons, pass, probes, shown } = createDaemons()
    for (const { put } of daemons) put(...many(90))
    await pass(30_000)
    probes()
    await pass(100_000)

    const count = probes().length
    assert.ok(count > 850 && count < 950, `${count} probes of 90 targets in ten intervals`)
    for (const daemon of daemons) assert.deepEqual(shown(daemon), shown(daemons[0]))

    for (const daemon of daemons) daemon.behave('http://s7.example/mcp', refused)
    await pass(60_000)
    assert.equal(daemons[0].server('s7').status, 'unhealthy')
    for (const daemon of daemons) assert.deepEqual(shown(daemon), shown(daemons[0]))
  })

  it('probe a target that only one of them knows', async () => {
    const { daemons, pass } = createDaemons()
    daemons[2].put(...many(30))
    await pass(8000)

    assert.deepEqual(new Set(daemons[2].registry.list().map(({ server }) => server.status)), new Set(['healthy']))
  })

  it('go on with a target that its owner does not know when the one who probed it is gone', async () => {
    const { daemons, pass, probes, setAlive, verdicts } = createDaemons()
    for (const { put } of daemons.slice(1)) put(...many(30))
    await pass(60_000)
    const orphans = verdicts
      .values()
      .filter(({ prober }) => prober === 'c')
      .toArray().length
    assert.ok(orphans > 0)
    await daemons[2].monitor[Symbol.asyncDispose]()
    setAlive(['a', 'b'])
    probes()
    await pass(40_000)

    assert.equal(new Set(probes().map(({ url }) => url)).size, 30)
  })

  it('leave a target to the member that comes first once that knows it', async () => {
    const { daemons, pass, probes } = createDaemons({ interval: 1 })
    daemons[2].put(...many(30))
    await pass(15_000)
    for (const { put } of daemons.slice(0, 2)) put(...many(30))
    await pass(3000)
    probes()
    await pass(3000)

    const count = probes().length
    assert.ok(count > 80 && count < 100, `${count} probes of 30 targets in three intervals`)
  })

  it('go on from the verdicts of a member that is gone, and move no status', async () => {
    const { daemons, pass, probes, shown, setAlive } = createDaemons()
    for (const { put } of daemons) put(...many(60))
    for (const daemon of daemons) for (let at = 0; at < 20; at += 1) daemon.behave(`http://s${at}.example/mcp`, refused)
    await pass(100_000)
    const before = shown(daemons[0])
    const revision = daemons[0].registry.revision()
    await daemons[2].monitor[Symbol.asyncDispose]()
    setAlive(['a', 'b'])
    probes()
    await pass(25_000)

    assert.equal(new Set(probes().map(({ url }) => url)).size, 60)
    assert.deepEqual(shown(daemons[0]), before)
    assert.equal(daemons[0].registry.revision(), revision)
  })

  it('probe everything themselves while none is a member', async () => {
    const { daemons, pass, probes, setAlive } = createDaemons()
    for (const { put } of daemons) put(...many(20))
    await pass(30_000)
    setAlive([])
    await pass(20_000)
    probes()
    await pass(100_000)

    const count = probes().length
    assert.ok(count > 560 && count < 640, `${count} probes of 20 targets by three in ten intervals`)
  })

  it('suspect themselves by their own probes alone', async () => {
    const { daemons, pass } = createDaemons()
    const [first, ...others] = daemons
    for (const { put } of daemons) put(...many(90))
    await pass(40_000)
    for (let at = 0; at < 90; at += 1) first.behave(`http://s${at}.example/mcp`, refused)
    for (const other of others) for (let at = 0; at < 90; at += 1) other.behave(`http://s${at}.example/mcp`, well)
    await pass(60_000)

    assert.notEqual(first.monitor.selfPreservation(), undefined)
    assert.equal(others[0]?.monitor.selfPreservation(), undefined)
    for (const { registry } of daemons)
      assert.equal(registry.list().filter(({ server }) => server.status === 'unhealthy').length, 0)
  })
})

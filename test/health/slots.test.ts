import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProbeTarget } from '../../src/health/probe-target.ts'
import { createConcurrencyLimiter } from '../../src/health/scheduling/concurrency-limiter.ts'
import { ServerDefinition } from '../../src/model/server.ts'

/** A target at a host; a slow one failed when it was last checked. */
function at(host: string, { slow = false } = {}) {
  const url = `http://${host}.example/mcp`
  const server = ServerDefinition.parse({ name: host, url })
  const subject = createProbeTarget(url, { server } as never, 1)
  if (slow) subject.verdict = { ...subject.verdict, status: 'degraded', failures: 1 }
  return subject
}

describe('slots', () => {
  it('call the next that waits for a host when the one that was called is gone', () => {
    const slots = createConcurrencyLimiter({ width: () => ({ max_concurrency: 4, max_concurrency_per_host: 1 }) })
    const [running, called, waiting] = [at('one'), at('one', { slow: true }), at('one')]
    const slow = [at('two', { slow: true }), at('three', { slow: true })] as const
    const taking = (subject: ReturnType<typeof at>) => (slots.offer(subject), slots.take())
    assert.equal(taking(running), running)
    assert.equal(taking(called), undefined, 'its host is busy')
    assert.equal(taking(waiting), undefined, 'its host is busy')
    for (const one of slow) assert.equal(taking(one), one)

    slots.release(running, false)
    assert.equal(slots.take(), undefined, 'the slots of the slow are taken')
    slots.withdraw(called)

    assert.equal(slots.take(), waiting)
  })
})

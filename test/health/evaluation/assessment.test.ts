import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAssessment, learnedFrom, recordOutcome } from '../../../src/health/evaluation/assessment.ts'
import { Capability } from '../../../src/model/capability.ts'

const learned = (name: string, kind: Capability['kind']) => Capability.parse({ name, kind, origin: 'introspected' })
const [tool, prompt, resource] = [learned('add', 'tool'), learned('ask', 'prompt'), learned('file:///a', 'resource')]

describe('what probes learn of a server', () => {
  it('keeps what is known of a kind whose list failed, and drops what is gone of the others', () => {
    const before = { capabilities: [tool, prompt, resource], version: '1' }

    const after = learnedFrom(before, { capabilities: [tool], unlisted: ['prompt'] })

    assert.deepEqual(after, { capabilities: [tool, prompt], version: '1' })
  })

  it('is the same object where a probe brings nothing new', () => {
    const before = { capabilities: [tool, prompt], version: '1' }

    assert.equal(learnedFrom(before, {}), before)
    assert.equal(learnedFrom(before, { capabilities: [{ ...tool }], unlisted: ['prompt'], version: '1' }), before)
  })
})

describe('the response times of a target', () => {
  it('are averaged over successful probes alone', () => {
    const assessment = createAssessment(1)
    const outcomes = [
      { ms: 40, ok: true },
      { ms: 5000, ok: false },
      { ms: 80, ok: true },
    ]
    for (const { ms, ok } of outcomes)
      recordOutcome(assessment, { ok, reason: ok ? 'ok' : 'timeout', response_time_ms: ms }, { at: 0, version: 2 })

    assert.deepEqual([assessment.latencyMs, assessment.responseMs], [50, 80])
    assert.equal(assessment.failures?.get('timeout'), 1)
  })
})

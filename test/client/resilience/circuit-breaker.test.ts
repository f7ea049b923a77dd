import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCircuitBreaker } from '../../../src/client/resilience/circuit-breaker.ts'

function start() {
  let time = 0
  const changes: string[] = []
  const circuit = createCircuitBreaker({
    failures: 2,
    openMs: 100,
    now: () => time,
    onChange: (state) => void changes.push(state),
  })
  return { circuit, changes, advance: (ms: number) => void (time += ms) }
}

describe('a circuit breaker', () => {
  it('opens after failures in a row, not after failures with a success between', () => {
    const { circuit, changes } = start()

    circuit.fail()
    circuit.succeed()
    circuit.fail()
    assert.equal(circuit.admit(), true)
    circuit.fail()

    assert.equal(circuit.admit(), false)
    assert.deepEqual(changes, ['open'])
  })

  it('lets one call through after its time, which closes it or opens it for as long again', () => {
    const { circuit, changes, advance } = start()
    circuit.fail()
    circuit.fail()

    advance(100)
    assert.deepEqual([circuit.admit(), circuit.admit()], [true, false])
    circuit.fail()
    assert.equal(circuit.admit(), false)
    advance(100)
    assert.equal(circuit.admit(), true)
    circuit.succeed()

    assert.deepEqual([circuit.admit(), circuit.admit()], [true, true])
    assert.deepEqual(changes, ['open', 'half_open', 'open', 'half_open', 'closed'])
  })

  it('lets another call through where the trial ended without a verdict', () => {
    const { circuit, advance } = start()
    circuit.fail()
    circuit.fail()
    advance(100)

    assert.equal(circuit.admit(), true)
    circuit.cancel()

    assert.equal(circuit.admit(), true)
  })
})

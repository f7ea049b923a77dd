import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAdmission } from '../../../src/client/connect/admission.ts'

const never = new AbortController().signal

describe('the places of servers that connect', () => {
  it('are given in turn, and servers that failed before get half of them at most', async () => {
    const { admit } = createAdmission(4)
    const admitted: string[] = []
    const ask = async (name: string, isRetry: boolean) => {
      const leave = await admit({ signal: never, isRetry })
      admitted.push(name)
      return leave
    }

    const retries = [ask('r1', true), ask('r2', true), ask('r3', true)]
    const fresh = [ask('f1', false), ask('f2', false), ask('f3', false)]
    await Promise.all([retries[0], fresh[1]])
    assert.deepEqual(admitted, ['r1', 'r2', 'f1', 'f2'])
    const leave = await fresh[0]!
    leave()
    await fresh[2]
    assert.deepEqual(admitted.slice(4), ['f3'])
    const leaveRetry = await retries[0]!
    leaveRetry()
    await retries[2]

    assert.deepEqual(admitted.slice(5), ['r3'])
  })

  it('are not given to a server that stopped waiting', async () => {
    const { admit } = createAdmission(1)
    const leave = await admit({ signal: never, isRetry: false })
    const stopping = new AbortController()
    const stopped = admit({ signal: stopping.signal, isRetry: false })
    const waiting = admit({ signal: never, isRetry: false })

    stopping.abort(new Error('stopped'))
    await assert.rejects(stopped, { message: 'stopped' })
    leave()

    assert.equal(typeof (await waiting), 'function')
  })
})

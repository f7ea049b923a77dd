import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { it } from 'node:test'
import { connectServers } from '../../../src/client/connect/index.ts'
import { startReferenceServer } from '../../health/probes/probed-servers.ts'
import { createServerFile } from './server-file.ts'

const calls = 40

// The transport of the SDK has one signal for all its requests: what listens to it and stays keeps each call in memory.
it('a call to a server of the older protocol leaves no listener behind', async (t) => {
  const { port } = await startReferenceServer(t, 'streamableHttp')
  const definition = { url: `http://127.0.0.1:${port}/mcp`, health_check: 'none' }
  await using place = await createServerFile({ older: definition })
  await using fleet = await connectServers({ roster: place.daemon.url })
  assert.equal(fleet.get('older')?.era, 'legacy')
  const spy = t.mock.method(AbortSignal.prototype, 'addEventListener')

  for (let call = 0; call < calls; call += 1) await fleet.call('echo', { message: 'once' })

  const signals = new Set(spy.mock.calls.map((call) => call.this as AbortSignal))
  assert.ok(signals.size > 0)
  const listeners = Math.max(...[...signals].map((signal) => getEventListeners(signal, 'abort').length))
  assert.ok(listeners < calls, `${listeners} listeners on one signal after ${calls} calls`)
})

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { streamList } from '../../../../src/api/servers/list/streamed-list.ts'
import { registered } from '../../../builders.ts'

it('gives the event loop a turn while it writes a long list, however fast it is read', async () => {
  const page = Array.from({ length: 2000 }, (_, at) => registered({ name: `server-${at}` }))
  // Takes little at once and is drained in the same turn of the loop, as a reader on the same machine does.
  const reader = new PassThrough({ highWaterMark: 1 }).resume()
  const bytes = Buffer.from('{}')
  const done = new AbortController()
  let turns = 0

  const writing = streamList(reader as unknown as ServerResponse, {
    list: { selection: { page, total: page.length }, token: 'e-1', syncing: [] },
    encode: () => (busy(0.1), bytes),
    maxCollectedBytes: () => 0,
  }).finally(() => done.abort())
  for (; !done.signal.aborted; turns += 1) await setImmediate()
  await writing

  assert.ok(turns > 10, `200 ms of work, and the loop had ${turns} turns`)
})

function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

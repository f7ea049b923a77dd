import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { createAgent } from '../../../src/client/agent/index.ts'
import { startHere } from '../../in-process-daemon.ts'
import { callTool } from './call-tool.ts'

const config = 'sources: [{ type: agents }]\nstore: { type: memory }\n'

describe('two agents of one mesh', () => {
  it('call each other by capability, injected as functions', async () => {
    await using daemon = await startHere(config)
    await using clock = createAgent({ id: 'clock-1', roster: daemon.url })
    clock.tool('now', { capability: 'clock', schema: z.object({ zone: z.string() }) }, ({ zone }) => ({
      zone,
      hour: 7,
    }))
    await clock.start()
    await using greeter = createAgent<{ clock: (args: { zone: string }) => { zone: string; hour: number } }>({
      id: 'greeter-1',
      roster: daemon.url,
    })
    greeter.tool(
      'greet',
      { schema: z.object({ who: z.string() }), dependencies: ['clock'] },
      async ({ who }, { clock }) => `hello ${who} at ${(await clock?.({ zone: 'UTC' }))?.hour ?? 'no'} hour`,
    )

    await greeter.start()

    assert.equal(await callTool(greeter.url, 'greet', { who: 'bob' }), 'hello bob at 7 hour')
  })
})

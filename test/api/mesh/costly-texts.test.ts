import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'

describe('an agent whose texts are made to be slow to redact', () => {
  for (const [name, text] of Object.entries({
    'newlines after a key': `a:${'\n'.repeat(126_000)}`,
    'starts of tokens': 'eyJ-'.repeat(31_500),
    'starts of URLs': '+://:'.repeat(25_000),
  })) {
    it(`of ${name} costs a list of agents less than a second of work`, async () => {
      await using daemon = await startHere()
      const body = { id: 'slow', name: 'slow', endpoint: 'http://10.0.0.1:9/mcp', annotations: { note: text } }
      assert.equal((await daemon.ask('POST', '/agents', body)).status, 200)

      const start = process.cpuUsage()
      for (const path of ['/agents', '/agents/slow', '/servers', '/servers?fields=annotations', '/capabilities'])
        assert.equal((await daemon.ask('GET', path)).status, 200)

      const took = process.cpuUsage(start).user / 1000
      assert.ok(took < 1000, `${took} ms of work`)
    })
  }
})

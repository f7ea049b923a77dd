import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRegistryWriter } from '../../src/agents/registry-writer.ts'
import { silent } from '../../src/log.ts'
import type { Sighting } from '../../src/model/source.ts'
import { originsIn, testAgent } from './fixtures.ts'

const agents = new Map(['a', 'b', 'c'].map((id) => [id, testAgent(id)]))

function createWriter() {
  const writer = createRegistryWriter({ agentOf: (id) => agents.get(id), log: silent })
  const pushed: Sighting[] = []
  const push = (sighting: Sighting) => void pushed.push(sighting)
  return { writer, pushed, push }
}

describe('registry writer', () => {
  it('writes the changes of one tick as one change, each agent once', async () => {
    const { writer, pushed, push } = createWriter()
    assert.deepEqual(originsIn(writer.attach(push, agents.values())), ['a', 'b', 'c'])

    writer.write([testAgent('a'), testAgent('b')])
    writer.write([testAgent('b'), testAgent('unknown')])
    assert.deepEqual(pushed, [])
    await writer.flushed()

    assert.deepEqual(pushed.map(originsIn), [['a', 'b']])
    assert.equal(writer.flushed(), undefined)
  })

  it('flush writes at once, and nothing is written twice', async () => {
    const { writer, pushed, push } = createWriter()
    writer.attach(push, [])
    writer.write([testAgent('a')])
    const scheduled = writer.flushed()

    writer.flush()
    assert.deepEqual(pushed.map(originsIn), [['a']])
    await scheduled

    assert.equal(pushed.length, 1)
  })

  it('an expired agent is reported with its reason', () => {
    const { writer } = createWriter()
    const agent = testAgent('a', {}, { lease: { status: 'offline' } })

    const picture = writer.attach(() => {}, [agent])

    assert.ok(picture.type === 'picture')
    const [reading] = picture.readings
    assert.ok(reading && 'entries' in reading)
    const [entry] = reading.entries
    assert.ok(entry && 'reported' in entry)
    assert.deepEqual(entry.reported, { status: 'offline', reason: 'lease_lapsed' })
  })

  it('a registry that throws does not fail the registration', async () => {
    const { writer } = createWriter()
    writer.attach(() => {
      throw new Error('registry failed')
    }, [])

    writer.write([testAgent('a')])
    await writer.flushed()
    writer.remove(['a'])
  })

  it('a run that ends late does not detach its successor', () => {
    const { writer, pushed, push } = createWriter()
    const old = () => {}
    writer.attach(old, [])
    writer.attach(push, [])

    writer.detach(old)
    writer.remove(['a'])
    writer.detach(push)
    writer.remove(['b'])

    assert.deepEqual(pushed, [{ type: 'change', readings: [], gone: ['a'] }])
  })
})

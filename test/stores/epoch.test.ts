import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createInstanceId, emptyEpoch } from '../../src/stores/epoch.ts'

describe('the instance id', () => {
  it('is the same for every process on one database', () => {
    const [one, other] = ['e1', 'e1'].map((epoch) => createInstanceId({ epoch: () => epoch }))

    assert.equal(one?.id(), other?.id())
    assert.notEqual(one?.id(), createInstanceId({ epoch: () => 'e2' }).id())
    assert.doesNotMatch(one?.id() ?? '', /e1/)
  })

  it('is temporary until the database has an epoch, and stays recognized afterwards', () => {
    let epoch: string | undefined
    const instance = createInstanceId({ epoch: () => epoch })
    const temporaryId = instance.id()
    epoch = emptyEpoch
    assert.equal(instance.id(), temporaryId)
    epoch = 'e1'

    assert.notEqual(instance.id(), temporaryId)
    assert.ok(instance.isOwn(temporaryId) && instance.isOwn(instance.id()))
    assert.ok(!instance.isOwn('another'))
  })
})

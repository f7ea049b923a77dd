import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { serverId } from '../../src/model/names.ts'
import { createOverrides, maxOverrides, TooManyOverrides } from '../../src/registrations/overrides.ts'
import { openMemory } from '../../src/stores/memory.ts'

const nth = (number: number) => serverId('default', `s-${number}`)
const disabled = { enabled: false, by: 'ops' }

describe('overrides', () => {
  it('are bounded in number, and those that exist can still be changed', async () => {
    await using store = openMemory({ log: silent })
    const overrides = createOverrides({ store })
    for (let number = 0; number < maxOverrides; number += 1) await overrides.set(nth(number), disabled)

    await assert.rejects(overrides.set(nth(maxOverrides), disabled), TooManyOverrides)
    assert.equal((await overrides.set(nth(7), { enabled: true, by: 'ops' })).enabled, true)
    assert.equal(await overrides.remove(nth(8)), true)
    await overrides.set(nth(maxOverrides), disabled)
    assert.equal(overrides.list().length, maxOverrides)
  })

  it('follow what another daemon stores and removes, and say what changed', async () => {
    await using store = openMemory({ log: silent })
    const [one, other] = [createOverrides({ store }), createOverrides({ store })]
    const changed: string[] = []
    other.onChange((ids) => void changed.push(...ids))
    await one.set(nth(1), disabled)
    const first = await store.load()
    other.load(first.registrations, first.resource_version)
    assert.equal(other.get(nth(1))?.by, 'ops')
    assert.equal(await one.remove(nth(1)), true)
    const second = await store.load()
    other.load(second.registrations, second.resource_version)
    assert.equal(other.get(nth(1)), undefined)
    assert.deepEqual(changed, [nth(1), nth(1)])
    other.applyDeletion(nth(1), second.resource_version)
    for (const late of first.registrations) other.applyRegistration(late)
    assert.equal(other.get(nth(1)), undefined, 'a late change of an older version brings nothing back')
    assert.equal(await other.remove(nth(1)), false)
  })
})

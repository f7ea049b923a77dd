import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSlotTable } from '../../../src/registry/index/slot-table.ts'
import { registered } from '../../builders.ts'

describe('slot table', () => {
  it('assigns one slot per id, and reuses those that were freed', () => {
    const table = createSlotTable()
    const a = table.slotFor('default/a')
    const b = table.slotFor('default/b')
    assert.equal(table.slotFor('default/a'), a)
    assert.notEqual(a, b)

    table.free([a])

    assert.equal(table.slotOf('default/a'), undefined)
    assert.equal(table.slotFor('default/c'), a)
    assert.deepEqual(
      table.sorted.all().map((slot) => table.ids[slot]),
      ['default/b', 'default/c'],
    )
  })

  it('accepts the last slot of an id as a guess, and no wrong one', () => {
    const table = createSlotTable()
    const [a, b] = [table.slotFor('default/a'), table.slotFor('default/b')]

    assert.equal(table.slotFor('default/b', b), b)
    assert.equal(table.slotFor('default/b', a), b)
  })

  it('knows which slots have a server', () => {
    const table = createSlotTable()
    const slot = table.slotFor('default/weather')
    assert.equal(table.occupied(), undefined)

    table.set(slot, registered())
    assert.equal(table.occupied(), slot)

    table.set(slot, undefined)
    assert.equal(table.occupied(), undefined)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLineage, type HistoryFacts, nameOf } from '../../../src/stores/sql/lineage.ts'

const facts = (fields: Partial<HistoryFacts> = {}): HistoryFacts => ({
  version: '10',
  epoch: 'e',
  lineage: '0',
  rewound: '0',
  server: 's1',
  ...fields,
})

describe('the lineage of a database', () => {
  it('goes on while epoch, mark and server stay, also where nothing was read before', () => {
    const lineage = createLineage()

    assert.equal(lineage.compare(facts(), { version: '0' }), undefined)
    assert.equal(lineage.compare(facts({ version: '11' }), { version: '10', lineage: nameOf(facts()) }), undefined)
  })

  it('is behind at a version below one that was seen', () => {
    const lineage = createLineage()
    lineage.see('9')
    lineage.see('10')
    lineage.see('7')

    assert.deepEqual([lineage.highest(), lineage.isBehind('9'), lineage.isBehind('10')], ['10', true, false])
  })

  it('ended with another epoch, with the mark of another daemon, and at a server never seen', () => {
    const cursor = { version: '10', lineage: nameOf(facts()) }
    const begun = () => {
      const lineage = createLineage()
      lineage.begin(facts())
      return lineage
    }

    assert.deepEqual(begun().compare(facts({ epoch: 'other' }), cursor), { to: '0', reason: 'other database' })
    assert.deepEqual(begun().compare(facts({ lineage: 'm', rewound: '7' }), cursor), { to: '7', reason: 'older copy' })
    const moved = begun()
    assert.deepEqual(moved.compare(facts({ server: 's2' }), cursor), { to: '10', reason: 'other server' })
    assert.equal(moved.compare(facts({ server: 's1' }), cursor), undefined, 'a server seen before')
    assert.deepEqual(begun().compare(facts({ epoch: 'other' }), { version: '10' })?.reason, 'other database')
  })
})

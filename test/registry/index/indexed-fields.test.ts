import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { facetsIn, indexedFields } from '../../../src/registry/index/indexed-fields.ts'
import { server } from '../../builders.ts'

const one = server({
  tags: ['geo'],
  labels: { env: 'prod' },
  capabilities: [
    {
      name: 'forecast',
      version: '1.0.0',
      stability: 'beta',
      tags: ['x'],
      category: 'sky',
      kind: 'tool',
      origin: 'declared',
    },
    { name: 'plain', version: '2.0.0', stability: 'stable', tags: [], kind: 'tool', origin: 'declared' },
  ],
})

describe('indexed fields', () => {
  for (const [field, values] of [
    ['enabled', ['true']],
    ['tag', ['geo']],
    ['label', ['env']],
    ['label_value', ['env=prod']],
    ['capability', ['forecast', 'plain']],
  ] as const) {
    it(`list the values of ${field}`, () => assert.deepEqual(indexedFields[field].valuesOf(one), values))
  }

  it('encode the facets of each capability as one value', () => {
    assert.deepEqual(indexedFields.capability_facets.valuesOf(one).map(facetsIn), [
      { stability: 'beta', version: '1.0.0', tags: ['x'], category: 'sky' },
      { stability: 'stable', version: '2.0.0', tags: [] },
    ])
  })
})

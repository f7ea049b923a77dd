import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createObjectCache } from '../../../../src/sources/kubernetes/watching/object-cache.ts'

/** Reads `[key, value]`; throws for anything that is not iterable. */
const readPair = (object: unknown) => {
  const [key, value] = object as [string | undefined, number | undefined]
  return key === undefined ? undefined : { key, value }
}

describe('object cache', () => {
  it('stores, replaces and removes objects by key', () => {
    const cache = createObjectCache(readPair)

    assert.equal(cache.put(['a', 1]), 'a')
    assert.equal(cache.put(['a', 2]), 'a')
    assert.equal(cache.put(['b', 3]), 'b')
    assert.equal(cache.remove(['b', 3]), 'b')
    assert.equal(cache.remove(['b', 3]), undefined)

    assert.deepEqual([...cache.objects], [['a', 2]])
  })

  it('removes an object that has become irrelevant', () => {
    const cache = createObjectCache(readPair)
    cache.put(['a', 1])
    assert.equal(cache.put(['a', undefined]), 'a')
    assert.equal(cache.objects.size, 0)
  })

  it('counts objects of unexpected shape, and ignores them', () => {
    const cache = createObjectCache(readPair)
    assert.equal(cache.put([]), undefined)
    assert.equal(cache.put(7), undefined)
    assert.equal(cache.remove(null), undefined)
    assert.equal(cache.unreadable(), 3)
  })

  it('is replaced by a complete list at once', () => {
    const cache = createObjectCache(readPair)
    cache.put(['old', 1])
    const replacement = cache.beginReplacement()
    replacement.add(['new', 2])
    assert.deepEqual([...cache.objects.keys()], ['old'])

    replacement.commit()

    assert.deepEqual([...cache.objects.keys()], ['new'])
  })
})

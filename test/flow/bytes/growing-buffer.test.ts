import assert from 'node:assert/strict'
import { it } from 'node:test'
import { freeBytes } from '../../../src/flow/bytes/free-bytes.ts'
import { createGrowingBuffer } from '../../../src/flow/bytes/growing-buffer.ts'

it('a growing buffer returns what it joined in memory of that length, which can be freed at once', () => {
  const buffer = createGrowingBuffer()
  for (let at = 0; at < 1000; at += 1) buffer.add(Buffer.from(`piece ${at} `))
  const text = Array.from({ length: 1000 }, (_, at) => `piece ${at} `).join('')

  const content = buffer.take()

  assert.equal(content.toString(), text)
  assert.equal(content.buffer.byteLength, text.length)
  freeBytes(content)
  assert.equal(content.length, 0)
})

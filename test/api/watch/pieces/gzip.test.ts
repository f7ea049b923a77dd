import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32, gunzipSync } from 'node:zlib'
import { appended, emptySum, sumOf } from '../../../../src/api/watch/pieces/checksum.ts'
import { gzip, gzipEnd, gzipStart } from '../../../../src/api/watch/pieces/gzip.ts'
import { type Piece, pieceOf } from '../../../../src/api/watch/pieces/piece.ts'

function streamOf(pieces: readonly Piece[]): Buffer {
  const sum = pieces.reduce((total, piece) => (piece.sum ? appended(total, piece.sum) : total), emptySum)
  return Buffer.concat([gzipStart, ...pieces, gzipEnd(sum)].map(({ bytes }) => bytes))
}

describe('the pieces of a gzip stream', () => {
  it('make one stream with a right sum, in any order and number', async () => {
    const texts = ['', ':\n\n', 'x'.repeat(199), 'weather '.repeat(100), 'y'.repeat(70_000), 'ü'.repeat(300)]
    const packed = await Promise.all(texts.map((text) => gzip.packInBackground(pieceOf(text))))

    for (const order of [
      [],
      [0],
      [3],
      [1, 2, 3, 4, 5],
      [5, 4, 4, 1, 0, 3, 3],
      Array.from({ length: 200 }, (_, at) => at % 6),
    ]) {
      const stream = streamOf(order.flatMap((at) => packed[at] ?? []))

      assert.equal(gunzipSync(stream).toString(), order.map((at) => texts[at]).join(''))
    }
  })

  it('add up to the sum of the whole text', () => {
    const text = Buffer.from('a text of some length '.repeat(5000))

    for (const at of [0, 1, 7, 4096, text.length]) {
      const sum = appended(appended(emptySum, sumOf(text.subarray(0, at))), sumOf(text.subarray(at)))
      assert.deepEqual(sum, { crc: crc32(text), length: text.length })
    }
  })

  it('are made once for groups that show the same bytes', () => {
    const text = JSON.stringify({ tags: Array.from({ length: 50 }, (_, at) => `tag-${at}`) })

    assert.equal(gzip.pack(pieceOf(text)), gzip.pack(pieceOf(text)))
  })

  it('leave short texts as they are', () => {
    assert.match(gzip.pack(pieceOf('id: e-1\nevent: BOOKMARK\n\n')).bytes.toString('latin1'), /id: e-1/)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { controlMessage, encodeSnapshot } from '../../../../src/api/watch/pieces/frames.ts'
import { pieceOf } from '../../../../src/api/watch/pieces/piece.ts'

describe('a piece', () => {
  it('holds its bytes and the same bytes as one HTTP chunk', () => {
    const { bytes, chunk } = pieceOf(['wetter ', 'für alle'].map((text) => Buffer.from(text)))

    assert.equal(bytes.toString(), 'wetter für alle')
    assert.equal(chunk.toString(), '10\r\nwetter für alle\r\n')
  })
})

describe('a control message', () => {
  for (const [format, expected] of [
    ['sse', 'id: e-7\nevent: BOOKMARK\ndata: {"token":"e-7"}\n\n'],
    ['lines', '{"type":"BOOKMARK","token":"e-7"}\n'],
  ] as const)
    it(`has the form of ${format}`, () => {
      assert.equal(controlMessage({ format, encoding: null }, 'BOOKMARK', { token: 'e-7' }).bytes.toString(), expected)
    })
})

describe('a snapshot', () => {
  const selection = { key: '', noun: 'server', events: () => [], snapshot: () => [] }

  it('is one ADDED event per resource, then a bookmark', () => {
    const snapshot = [() => Buffer.from('{"name":"a"}'), () => Buffer.from('{"name":"b"}')]

    const pieces = [...encodeSnapshot(snapshot, { selection, format: 'lines', token: 'e-7' })].filter(Boolean)

    assert.equal(
      pieces.map((piece) => piece?.bytes.toString()).join(''),
      '{"type":"ADDED","server":{"name":"a"}}\n{"type":"ADDED","server":{"name":"b"}}\n{"type":"BOOKMARK","token":"e-7"}\n',
    )
  })

  it('of many resources is split into pieces of about 64 KiB', () => {
    const snapshot = Array.from({ length: 100 }, () => () => Buffer.alloc(10_000, '1'))

    const pieces = [...encodeSnapshot(snapshot, { selection, format: 'sse', token: 'e-7' })].filter(
      (piece) => piece !== undefined,
    )

    assert.ok(pieces.length > 10)
    assert.ok(pieces.every(({ bytes }) => bytes.length < 80_000))
  })
})

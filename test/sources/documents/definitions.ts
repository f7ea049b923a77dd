import assert from 'node:assert/strict'
import { ServerDefinition } from '../../../src/model/server.ts'
import type { readDocument } from '../../../src/sources/documents/read.ts'

/** The entries of a document, as the definitions that they are. */
export function definitionsIn(entries: Awaited<ReturnType<typeof readDocument>> | readonly unknown[]) {
  return entries.map((entry) => {
    assert.ok(typeof entry === 'object' && entry !== null && 'value' in entry, JSON.stringify(entry))
    return ServerDefinition.parse(entry.value)
  })
}

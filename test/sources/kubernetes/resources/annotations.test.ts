import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fieldAnnotations, locationAnnotations } from '../../../../src/sources/kubernetes/resources/annotations.ts'

describe('annotations of Services', () => {
  it('are all documented in the README with the same text', () => {
    const page = readFileSync(new URL('../../../../src/sources/kubernetes/README.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `mcp-roster\.io\/(\S+)` +\| (.*?) +\|$/gm)].map(([, name, help]) => [
      name,
      help,
    ])
    const fields = Object.entries(fieldAnnotations).map(([name, { help }]) => [name, help])
    assert.deepEqual(rows, [...Object.entries(locationAnnotations), ...fields])
  })
})

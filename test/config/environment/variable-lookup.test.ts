import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createVariableLookup, type Environment } from '../../../src/config/environment/variable-lookup.ts'

const folder = mkdtempSync(join(tmpdir(), 'lookup-'))
const file = join(folder, 'secret')
writeFileSync(file, 'from-file\n')
after(() => rmSync(folder, { recursive: true }))

function lookUp(env: Environment, ...names: string[]) {
  const events: string[] = []
  const lookup = createVariableLookup(env, {
    onUnreadable: (name, reason) => events.push(`${name} ${reason}`),
    onIgnoredFile: (name) => events.push(`${name} ignored file`),
  })
  return { variable: lookup(...names), events }
}

describe('a variable lookup', () => {
  for (const [title, env, expected] of [
    ['takes the first name that is set', { B: '2', C: '3' }, { name: 'B', text: '2' }],
    ['skips an empty value', { A: '', C: '3' }, { name: 'C', text: '3' }],
    ['skips a Kubernetes service link', { A: 'tcp://10.0.0.1:80', B: '2' }, { name: 'B', text: '2' }],
    ['reads the file of NAME_FILE', { A_FILE: file }, { name: 'A_FILE', text: 'from-file' }],
    ['finds nothing where nothing is set', {}, undefined],
  ] as const) {
    it(title, () => assert.deepEqual(lookUp(env, 'A', 'B', 'C').variable, expected))
  }

  it('reports a file that cannot be read, and one that is ignored', () => {
    assert.deepEqual(lookUp({ A_FILE: join(folder, 'missing') }, 'A').events, ['A_FILE ENOENT'])
    assert.deepEqual(lookUp({ A: '1', A_FILE: file }, 'A').events, ['A ignored file'])
  })
})

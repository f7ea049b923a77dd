import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import * as undici from 'undici'
import { loadUndiciCore } from '../../src/runtime/undici-core.ts'

/** The files of undici that a fresh process loads for these modules. */
function filesLoadedBy(...modules: readonly string[]): string[] {
  const script = `
    for (const name of ${JSON.stringify(modules)}) require(name)
    console.log(JSON.stringify(Object.keys(require.cache).filter((file) => /[/\\\\]undici[/\\\\]/.test(file))))`
  const printed = execFileSync(process.execPath, ['-e', script], { cwd: import.meta.dirname }).toString()
  return JSON.parse(printed) as string[]
}

const isOfFetch = (file: string) => /[/\\]undici[/\\]lib[/\\]web[/\\]/.test(file)

describe('the core of undici', () => {
  it('is the same classes that the index of the package exports', async () => {
    const { Agent, buildConnector } = await loadUndiciCore()

    assert.equal(Agent, undici.Agent)
    assert.equal(buildConnector, undici.buildConnector)
  })

  it('loads without fetch and WebSocket, which the index of the package still loads', () => {
    const core = filesLoadedBy('undici/lib/dispatcher/agent.js', 'undici/lib/core/connect.js')
    const index = filesLoadedBy('undici')

    assert.ok(core.length > 0)
    assert.deepEqual(core.filter(isOfFetch), [])
    assert.ok(index.filter(isOfFetch).length > 0, "remove src/runtime/undici-core.ts: import from 'undici' instead")
    assert.ok(core.length < index.length / 2, `${core.length} of ${index.length} files: the core is hardly smaller`)
  })
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Ticks, in between full collections that find none, and what V8 says of the code that makes them. */
const program = `
import { setTimeout } from 'node:timers/promises'

for (let round = 0; round < 12; round += 1) {
  for (let many = 0; many < 1000; many += 1) await new Promise((done) => process.nextTick(done))
  for (let collection = 0; collection < 2; collection += 1) {
    await setTimeout(1)
    gc()
  }
}
const feedback = %GetFeedback(process.nextTick)
const keys = feedback.filter((slot) => slot?.[0] === 'DefineKeyedOwnPropertyInLiteral')
console.log(keys.map(([, state]) => state).join(' '))
`
const module = JSON.stringify(new URL('../../src/runtime/tick-shape.ts', import.meta.url))
const keeping = `import { keepTickShape } from ${module}\nkeepTickShape()\n`

async function seen(source: string): Promise<string> {
  const flags = ['--expose-gc', '--allow-natives-syntax', '--input-type=module']
  return (await run(process.execPath, [...flags, '--eval', source])).stdout
}

describe('the shape of ticks', () => {
  it('is forgotten by V8 in idle moments, or there would be nothing to do', async () => {
    assert.match(await seen(program), /MEGAMORPHIC/)
  })

  it('stays what it was once it is kept', async () => {
    assert.match(await seen(keeping + program), /^MONOMORPHIC( MONOMORPHIC)+\n$/)
  })
})

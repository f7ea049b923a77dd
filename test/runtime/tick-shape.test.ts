import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Alternates ticks and full collections; prints V8's feedback of the code that makes ticks. */
const program = `
import { setTimeout } from 'node:timers/promises'

for (let round = 0; round < 12; round += 1) {
  for (let tick = 0; tick < 1000; tick += 1) await new Promise((resolve) => process.nextTick(resolve))
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
const workaround = `import { keepTickShape } from ${module}\nkeepTickShape()\n`

async function feedbackOf(source: string): Promise<string> {
  const flags = ['--expose-gc', '--allow-natives-syntax', '--input-type=module']
  return (await run(process.execPath, [...flags, '--eval', source])).stdout
}

describe('tick shape', () => {
  it('V8 drops the map of tick objects in idle moments (the reason of the workaround)', async () => {
    assert.match(await feedbackOf(program), /MEGAMORPHIC/)
  })

  it('a kept tick object keeps its map', async () => {
    assert.match(await feedbackOf(workaround + program), /^MONOMORPHIC( MONOMORPHIC)+\n$/)
  })
})

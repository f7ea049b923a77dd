import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const megabyte = 1024 * 1024

/** Allocates a burst of a million objects that survive, then prints the capacity of one semi-space. */
const burst = `
import { setImmediate } from 'node:timers/promises'
import v8 from 'node:v8'

const allocate = (turn) => Array.from({ length: 5000 }, (_, index) => ({ turn, index, text: turn + ' ' + index, list: [index] }))
const alive = []
const sizes = []
for (let turn = 0; turn < 400; turn += 1) {
  if (turn < 200) alive.push(...allocate(turn))
  else allocate(turn)
  // Observers learn of a collection a few turns of the event loop later.
  for (let next = 0; next < 5; next += 1) await setImmediate()
  if (turn < 300) continue
  const { space_used_size, space_available_size } = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  sizes.push(space_used_size + space_available_size)
}
// During a collection the space is larger for a moment.
console.log(alive.length === 1_000_000 ? Math.min(...sizes) : 'failed')
`
const module = JSON.stringify(new URL('../../src/runtime/young-generation.ts', import.meta.url))
const bound = `import { boundYoungGeneration } from ${module}\nboundYoungGeneration()\n`

async function semiSpaceBytesAfter(source: string): Promise<number> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source])
  return Number(stdout)
}

describe('young generation', () => {
  it('keeps to 8 MiB per semi-space during a burst while it is bounded', async () => {
    const bytes = await semiSpaceBytesAfter(bound + burst)

    assert.ok(bytes <= 8 * megabyte, `${bytes / megabyte} MiB`)
  })

  it('still grows beyond 8 MiB without the bound', async () => {
    const bytes = await semiSpaceBytesAfter(burst)

    assert.ok(bytes > 8 * megabyte, `only ${bytes / megabyte} MiB: remove src/runtime/young-generation.ts`)
  })
})

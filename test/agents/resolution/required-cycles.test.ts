import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MeshTool } from '../../../src/agents/mesh-tool.ts'
import { parseTools } from '../../../src/agents/parsing/tools.ts'
import { createRequiredDependencies, cycleText } from '../../../src/agents/resolution/required-cycles.ts'

/** One tool for each capability, with what it requires; `?name` is optional. */
function toolsOf(requirements: Readonly<Record<string, readonly string[]>>): readonly MeshTool[] {
  return parseTools(
    Object.entries(requirements).map(([capability, names]) => ({
      function_name: `f_${capability}`,
      capability,
      dependencies: names.map((name) => ({ capability: name.replace('?', ''), required: !name.startsWith('?') })),
    })),
  ).tools
}

function required(...agents: readonly (readonly MeshTool[])[]) {
  const dependencies = createRequiredDependencies()
  for (const tools of agents) dependencies.replace(undefined, tools)
  return {
    ...dependencies,
    pathBy: (now: readonly MeshTool[], before?: readonly MeshTool[]) =>
      dependencies.cycleBy(before, now)?.path.join(' '),
  }
}

describe('required dependencies', () => {
  it('required dependencies of one agent close a cycle with its own capabilities, and the place is named', () => {
    const { cycleBy } = required()

    assert.deepEqual(cycleBy(undefined, toolsOf({ a: ['x', 'a'] })), {
      path: ['a', 'a'],
      field: 'tools[0].dependencies[1]',
    })
    assert.deepEqual(cycleBy(undefined, toolsOf({ a: ['b'], c: [], b: ['c', 'a'] })), {
      path: ['a', 'b', 'a'],
      field: 'tools[0].dependencies[0]',
    })
    assert.equal(cycleBy(undefined, toolsOf({ a: ['?a', '?b'], b: ['?a'] })), undefined)
    assert.equal(cycleBy(undefined, toolsOf({ a: ['b'], b: ['?a'] })), undefined)
  })

  it('required dependencies close a cycle over several agents', () => {
    const { pathBy } = required(toolsOf({ b: ['c'] }), toolsOf({ c: ['d'], other: ['x'] }))

    assert.equal(pathBy(toolsOf({ d: ['b'] })), 'd b c d')
    assert.equal(pathBy(toolsOf({ d: ['?b'] })), undefined)
    assert.equal(pathBy(toolsOf({ a: ['b'] })), undefined)
    assert.equal(pathBy(toolsOf({ d: [] })), undefined)
    assert.equal(pathBy(toolsOf({ d: ['e'], e: ['b'] })), 'd e b c d')
  })

  it('required dependencies that the agent drops at once close no cycle', () => {
    const before = toolsOf({ a: ['b'] })
    const { pathBy } = required(before, toolsOf({ c: ['a'] }))

    assert.equal(pathBy(toolsOf({ b: ['a'] }), before), undefined)
    assert.equal(pathBy(toolsOf({ b: ['a'] })), 'b a b')
    assert.equal(pathBy(toolsOf({ a: ['c'] }), before), 'a c a')
  })

  it('required dependencies that another agent has too remain when one of them leaves', () => {
    const [one, other] = [toolsOf({ a: ['b'] }), toolsOf({ a: ['b'] })]
    const { pathBy, replace } = required(one, other)
    replace(one, undefined)
    assert.equal(pathBy(toolsOf({ b: ['a'] })), 'b a b')

    replace(other, undefined)
    assert.equal(pathBy(toolsOf({ b: ['a'] })), undefined)
  })

  it('required dependencies of others that are a cycle already are no fault of an agent', () => {
    const { pathBy } = required(toolsOf({ b: ['c'] }), toolsOf({ c: ['b'] }))

    assert.equal(pathBy(toolsOf({ a: ['b'] })), undefined)
  })

  it('required dependencies may be a chain of any length', () => {
    const chain = Array.from({ length: 50_000 }, (_, at) => toolsOf({ [`c${at}`]: [`c${at + 1}`] }))
    const { cycleBy } = required(...chain)

    assert.equal(cycleBy(undefined, toolsOf({ c50000: ['c0'] }))?.path.length, 50_002)
    assert.equal(cycleBy(undefined, toolsOf({ start: ['c0'] })), undefined)
  })

  it('is named in full while it is short, and by both ends when it is long', () => {
    const names = Array.from({ length: 4000 }, (_, at) => `c${at}`)

    assert.equal(cycleText(['a', 'b', 'a']), 'a → b → a')
    assert.match(cycleText(names), /^c0 → .* → c9 → 3980 more → c3990 → .* → c3999$/)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fleetToolName } from '../../../../src/client/connect/tools/tool-names.ts'

const short = ['a', 'a_', '_a', 'a__b', 'b', 'a/b', 'a.b', 'a_b', 'a-b', 'A', '9', 'ü', ' ', '', 'a_0123abcd']
const long = ['x'.repeat(70), 'x'.repeat(400), 'io.github.x/y', 'team', 'team__a', '工具', '__', '-', 'search\nx']
const parts = [...short, ...long]
const namespaces = ['default', 'a', 'team', 'b', 'a-b']
const places = namespaces.flatMap((namespace) =>
  parts.flatMap((name) => parts.map((tool) => ({ namespace, name, tool }))),
)

describe('the name of a tool in the fleet', () => {
  it('a plain server and tool are joined, with the namespace where it is not the default', () => {
    assert.equal(fleetToolName({ namespace: 'default', name: 'git' }, 'search_repos'), 'git__search_repos')
    assert.equal(fleetToolName({ namespace: 'team', name: 'git' }, 'search'), 'team__git__search')
  })

  it('every name is accepted by all frameworks, whatever server and tool are called', () => {
    const rejected = places
      .map(({ tool, ...server }) => fleetToolName(server, tool))
      .filter((name) => !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name))

    assert.ok(places.length > 2000)
    assert.deepEqual(rejected, [])
  })

  it('no two tools share a name', () => {
    const byName = Map.groupBy(places, ({ tool, ...server }) => fleetToolName(server, tool))

    assert.deepEqual(
      [...byName].filter(([, same]) => same.length > 1),
      [],
    )
  })
})

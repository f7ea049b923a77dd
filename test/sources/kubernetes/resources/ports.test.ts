import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { choosePort, schemeOf, tcpPorts } from '../../../../src/sources/kubernetes/resources/ports.ts'

const portsNamed = (...names: string[]) => tcpPorts(names.map((name, index) => ({ name, port: index + 1 })))

describe('port of an MCP server', () => {
  for (const [names, expected] of [
    [['a', 'b'], 'a'],
    [['a', 'http'], 'http'],
    [['http', 'https-mcp'], 'https-mcp'],
    [['https-mcp', 'http-mcp'], 'http-mcp'],
    [['http-mcp', 'mcp'], 'mcp'],
  ] as const) {
    it(`is ${expected} among ${names.join(' and ')}`, () => {
      assert.equal(choosePort(portsNamed(...names), undefined)?.name, expected)
    })
  }

  it('is undefined if the Service has none', () => assert.equal(choosePort([], undefined), undefined))

  it('is never a UDP port', () => {
    assert.deepEqual(tcpPorts([{ name: 'mcp', port: 1, protocol: 'UDP' }]), [])
  })

  it('uses TLS by its protocol, name or number, unless it declares plain HTTP', () => {
    const scheme = (name: string, port: number, appProtocol = '') => schemeOf({}, { name, port, appProtocol })
    assert.deepEqual(
      [
        scheme('web', 80),
        scheme('web', 443),
        scheme('web', 443, 'http'),
        scheme('https-mcp', 80),
        scheme('web', 80, 'https'),
      ],
      ['http', 'https', 'http', 'https', 'https'],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveRecords } from '../../../src/sources/dns/record-resolver.ts'
import { parseNameserver } from '../../../src/sources/dns/resolver-config.ts'
import { srv, startNameserver } from './test-nameserver.ts'

const name = '_mcp._tcp.example.org'
const { signal } = new AbortController()
const many = Array.from({ length: 200 }, (_, index) => srv(name, `server-${index}.example.org`))

const resolve = (addresses: readonly string[], timeoutMs = 200) =>
  resolveRecords(name, 'SRV', {
    nameservers: addresses.flatMap((address) => parseNameserver(address) ?? []),
    timeoutMs,
    signal,
  })

describe('the record resolver', () => {
  it('queries nameservers in order, the next only after a failure', async () => {
    using silent = await startNameserver(() => 'silence')
    using failing = await startNameserver(() => ({ header: { rcode: 2 } }))
    using good = await startNameserver(() => ({ answers: many.slice(0, 2) }))
    using unasked = await startNameserver(() => ({ answers: many }))

    const { records } = await resolve([silent.address, failing.address, good.address, unasked.address], 500)

    assert.equal(records.length, 2)
    assert.deepEqual(
      [silent, failing, good, unasked].map(({ questions }) => questions.length),
      [1, 1, 1, 0],
    )
  })

  it('accepts the first answer that the name has no records', async () => {
    using first = await startNameserver(() => ({ header: { rcode: 3 } }))
    using second = await startNameserver(() => ({ answers: many }))

    assert.deepEqual((await resolve([first.address, second.address])).records, [])
    assert.equal(second.questions.length, 0)
  })

  it('names every failed nameserver', async () => {
    using failing = await startNameserver(() => ({ header: { rcode: 5 } }))

    await assert.rejects(
      resolve([failing.address, '127.0.0.2:1']),
      /127\.0\.0\.1 answered REFUSED; 127\.0\.0\.2 refused the connection/,
    )
  })
})

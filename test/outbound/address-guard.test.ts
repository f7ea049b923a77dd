import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAddressGuard, isCidr } from '../../src/outbound/address-guard.ts'

const local = ['127.0.0.1', '127.8.9.1', '0.0.0.0', '0.1.2.3', '::', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']
const disguisedLocal = ['::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::127.0.0.1', '2002:7f00:1::1']
const forbidden = [
  '169.254.169.254',
  '169.254.0.1',
  '::ffff:a9fe:a9fe',
  '::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fd00:ec2::254',
  'FD00:EC2:0:0:0:0:0:254',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '::ffff:100.100.100.200',
  '224.0.0.1',
  '239.255.255.250',
  'ff02::1',
  '255.255.255.255',
  '::ffff:0:224.0.0.1',
]
const ordinary = [
  '10.0.0.1',
  '192.168.1.1',
  '172.16.0.1',
  '100.64.0.1',
  '8.8.8.8',
  'fd00::1',
  '2001:db8::1',
  '::ffff:10.0.0.1',
]

describe('address guard', () => {
  const any = createAddressGuard({ reach: 'any' })
  const privateOnly = createAddressGuard({ reach: 'private' })

  it('permits every address of entries of the operator but metadata, link-local, multicast and broadcast', () => {
    for (const address of [...local, ...disguisedLocal, ...ordinary]) assert.equal(any(address), undefined, address)
    for (const address of forbidden) assert.match(any(address) ?? 'may be called', /never called/, address)
  })

  it('permits private networks to entries of other origin, but never this host', () => {
    for (const address of ordinary) assert.equal(privateOnly(address), undefined, address)
    for (const address of [...local, ...disguisedLocal])
      assert.match(privateOnly(address) ?? 'may be called', /this host/, address)
    for (const address of forbidden) assert.match(privateOnly(address) ?? 'may be called', /never called/, address)
  })

  it('permits this host to servers written by hand only where an allowed network names it', () => {
    const guardOf = (...allow: string[]) => createAddressGuard({ reach: 'listed', ...(allow.length > 0 && { allow }) })

    for (const address of local) {
      assert.match(guardOf()(address) ?? 'may be called', /this host.*health\.allow/, address)
      assert.match(guardOf('0.0.0.0/0', '::/0')(address) ?? 'may be called', /this host/, address)
    }
    assert.equal(guardOf()('10.0.0.1'), undefined)
    assert.equal(guardOf('127.0.0.0/8')('127.8.9.1'), undefined)
    assert.equal(guardOf('127.0.0.1')('127.0.0.1'), undefined)
    assert.match(guardOf('127.0.0.1')('127.8.9.1') ?? 'may be called', /this host/)
    assert.equal(guardOf('::1', '10.0.0.0/8')('::1'), undefined)
    assert.match(guardOf('127.0.0.0/8')('10.0.0.1') ?? 'may be called', /none of the allowed/)
    assert.match(
      createAddressGuard({ reach: 'listed', allow: ['127.0.0.0/8'], deny: ['127.0.0.1'] })('127.0.0.1') ?? '',
      /denied/,
    )
  })

  it('restricts to allowed and excludes denied networks, and permits no forbidden address', () => {
    const guard = createAddressGuard({
      reach: 'private',
      allow: ['10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16'],
      deny: ['10.1.0.0/16'],
    })

    assert.equal(guard('10.2.3.4'), undefined)
    assert.equal(guard('::ffff:10.2.3.4'), undefined)
    assert.match(guard('10.1.3.4') ?? '', /denied/)
    assert.match(guard('::ffff:10.1.3.4') ?? '', /denied/)
    assert.match(guard('192.168.0.1') ?? '', /none of the allowed/)
    assert.match(guard('127.0.0.1') ?? '', /this host/)
    assert.match(guard('169.254.169.254') ?? '', /never/)
  })

  it('restricts to the public internet and the excepted networks, and permits no forbidden address', () => {
    const guard = createAddressGuard({ reach: 'public', exceptions: ['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'] })
    const reserved = [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.0.1',
      '100.64.0.1',
      '198.18.0.1',
      '240.0.0.1',
    ]
    const others = ['fd00::1', 'fec0::1', '2001:db8::1', '2001::1', '100::1', '::ffff:10.0.0.1', '64:ff9b::a00:1']

    for (const address of [
      '8.8.8.8',
      '172.32.0.1',
      '100.128.0.1',
      '2606:4700::1111',
      '::ffff:8.8.8.8',
      '64:ff9b::808:808',
    ])
      assert.equal(guard(address), undefined, address)
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::a01:203', '127.0.0.1', 'fd00:1::5'])
      assert.equal(guard(address), undefined, address)
    for (const address of [...reserved, ...others, '127.0.0.2', '0.0.0.0', '::', '::1', '2002:a00:1::'])
      assert.match(guard(address) ?? 'may be called', /private or reserved/, address)
    for (const address of forbidden) assert.match(guard(address) ?? 'may be called', /never called/, address)
  })

  it('rejects text that is not a numeric address', () => {
    for (const text of ['', 'localhost', '0x7f000001', '127.1', '1.2.3.4.5']) assert.equal(any(text), 'is not numeric')
  })

  it('accepts networks in CIDR notation and single addresses, and no other text', () => {
    for (const text of ['10.0.0.0/8', '10.0.0.1', 'fd00::/8', '::/0', '0.0.0.0/0']) assert.ok(isCidr(text), text)
    for (const text of [
      '',
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0/8',
      'a/8',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      'fe80::1%eth0/64',
    ]) {
      assert.ok(!isCidr(text), text)
    }
    assert.throws(() => createAddressGuard({ reach: 'any', deny: ['10.0.0.0/99'] }), /10\.0\.0\.0\/99 is not a network/)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertMayRegister, assertOwner, newHolderOf } from '../../src/agents/authorization.ts'
import { PermissionDenied } from '../../src/agents/errors.ts'
import { anonymousName, type Principal } from '../../src/model/principal.ts'
import { testAgent } from './fixtures.ts'

const principal = (name: string, fields: Partial<Principal> = {}): Principal => ({
  name,
  role: 'registrar',
  secrets: false,
  ...fields,
})
const anonymous = principal(anonymousName)
const admin = principal('root', { role: 'admin' })
const heldBy = (holder: string | undefined) => testAgent('a', {}, { ownership: holder === undefined ? {} : { holder } })
const isDenied = (reason: PermissionDenied['reason'], role: PermissionDenied['role_needed']) => (error: unknown) =>
  error instanceof PermissionDenied && error.reason === reason && error.role_needed === role

describe('authorization', () => {
  it('registration needs the role registrar, and a namespace of the token', () => {
    for (const role of ['none', 'reader'] as const)
      assert.throws(() => assertMayRegister(principal('p', { role })), isDenied('role', 'registrar'))
    for (const role of ['registrar', 'admin'] as const) assertMayRegister(principal('p', { role }), 'team-a')

    const bound = principal('p', { namespaces: ['team-a'] })
    assertMayRegister(bound)
    assertMayRegister(bound, 'team-a')
    assert.throws(() => assertMayRegister(bound, 'team-b'), isDenied('namespace', 'registrar'))
  })

  it('an agent may be changed by its holder and by admins, and by any registrar if its holder is anonymous', () => {
    assertOwner(principal('one'), heldBy('one'))
    assertOwner(admin, heldBy('one'))
    for (const holder of [undefined, anonymousName]) assertOwner(principal('two'), heldBy(holder))

    for (const other of [principal('two'), anonymous])
      assert.throws(() => assertOwner(other, heldBy('one')), isDenied('owner', 'admin'))
    assert.throws(
      () => assertOwner(principal('one', { namespaces: ['team-b'] }), heldBy('one')),
      isDenied('namespace', 'registrar'),
    )
  })

  it('a registration makes its principal the holder, unless an admin or an anonymous principal changes an agent', () => {
    assert.equal(newHolderOf(principal('one'), undefined), 'one')
    assert.equal(newHolderOf(principal('one'), heldBy(anonymousName)), 'one')
    assert.equal(newHolderOf(anonymous, undefined), anonymousName)
    assert.equal(newHolderOf(admin, undefined), 'root')
    assert.equal(newHolderOf(admin, heldBy('one')), undefined)
    assert.equal(newHolderOf(anonymous, heldBy(anonymousName)), undefined)
  })
})

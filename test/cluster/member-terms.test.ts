import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ClusterConfig } from '../../src/cluster/config.ts'
import { startMembers } from '../../src/cluster/members.ts'
import { silent } from '../../src/log.ts'
import { StoreConfig } from '../../src/stores/config.ts'
import { openStore } from '../../src/stores/open.ts'
import { until } from '../stores/builders.ts'
import { mysqlMissing, startMysql } from '../stores/databases/mysql.ts'

describe('the members of a MariaDB', { skip: mysqlMissing() }, () => {
  let server: Awaited<ReturnType<typeof startMysql>>
  let url: string
  before(async () => {
    server = await startMysql()
    url = await server.create()
  })
  after(() => server?.[Symbol.asyncDispose]())

  /** Joins the database with a store of its own. */
  async function join(fields: Partial<ClusterConfig> = {}) {
    const config = StoreConfig.parse({ type: 'mysql', url, timeout: 1 })
    const store = await openStore(config, { log: silent })
    const warnings: string[] = []
    const members = startMembers({
      opening: Promise.resolve(store),
      isShared: true,
      settings: ClusterConfig.parse({ lease_duration: 6, renew_deadline: 1.5, retry_period: 0.1, ...fields }),
      build: '0.1.0',
      address: () => undefined,
      log: { info: () => {}, warn: (_: object, text?: string) => void warnings.push(text ?? '') } as never,
      onError: (error) => assert.fail(String(error)),
    })
    return {
      ...members,
      warnings,
      ids: () => members.view().members.map(({ id }) => id),
      [Symbol.asyncDispose]: async () => {
        await members[Symbol.asyncDispose]()
        await store[Symbol.asyncDispose]()
      },
    }
  }

  it('two daemons under one id are two members, and the later one keeps it', async () => {
    await using first = await join({ id: 'same' })
    await until(first.isMember)
    const before = first.self()
    await using second = await join({ id: 'same' })

    await until(() => first.ids().length === 2 && second.ids().length === 2)
    assert.equal(second.self().id, 'same')
    assert.match(first.self().id, /^same-[0-9a-f]{4}$/)
    assert.notEqual(first.self().incarnation, before.incarnation)
    assert.deepEqual(first.ids(), second.ids())
    assert.equal(first.leader(), second.leader())
    assert.equal([first, second].filter(({ duty }) => duty() !== undefined).length, 1)
    assert.match(first.warnings.join(), /another daemon has joined under the cluster\.id/)
  })

  it('without an election every member has the duties, and none leads', async () => {
    await using one = await join({ id: 'one', leader_election: false })
    await using two = await join({ id: 'two', leader_election: false })
    await until(() => one.ids().length === 2 && two.ids().length === 2)

    assert.deepEqual([one.leader(), two.leader()], [undefined, undefined])
    assert.deepEqual([one.duty(), two.duty()], [one.term(), two.term()])
    await one.leave()
    assert.deepEqual([one.isMember(), one.duty(), one.ownerOf('key')], [false, undefined, undefined])
    await until(() => two.ids().join() === 'two')
    assert.equal(two.ownerOf('key'), 'two')
  })

  it('while the database is away none is a member, and afterwards the leader is the same', async () => {
    await using one = await join({ id: 'one' })
    await using two = await join({ id: 'two' })
    await until(() => one.ids().length === 2 && two.ids().length === 2)
    const leader = one.leader()
    const leaders: (string | undefined)[] = []
    one.subscribe(({ after }) => void leaders.push(after.leader))

    await server.stop()
    await until(() => !one.isMember() && !two.isMember())
    assert.deepEqual([one.leader(), one.duty(), one.term(), one.ids()], [undefined, undefined, undefined, []])
    await until(() => leaders.length > 0)
    assert.deepEqual(leaders, [undefined])

    await server.start()
    await until(() => one.ids().length === 2 && two.ids().length === 2)
    assert.deepEqual([one.leader(), two.leader()], [leader, leader])
  })
})

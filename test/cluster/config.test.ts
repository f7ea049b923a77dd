import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterConfig, renewalTimes } from '../../src/cluster/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { platform } from '../config/platform.ts'

const load = (env: Record<string, string>) => loadConfig({ env, platform, defaultFile: '/nope' })
const electionWarnings = async (env: Record<string, string>) =>
  (await load(env)).warnings.filter((warning) => warning.startsWith('cluster.leader_election'))

describe('the settings of the members', () => {
  it('are those of the leader election of the Kubernetes guide, and agree with each other', async () => {
    const { cluster } = (await load({ LEADER_ELECTION_LEASE_DURATION: '6s', REGISTRY_INSTANCE_ID: 'mesh-0' })).config
    assert.deepEqual(cluster, { id: 'mesh-0', leader_election: true, lease_duration: 6 })
    assert.deepEqual(renewalTimes(cluster), { renewDeadline: 4, retryPeriod: 0.8 })
    assert.deepEqual(renewalTimes(ClusterConfig.parse(undefined)), { renewDeadline: 10, retryPeriod: 2 })

    await assert.rejects(
      load({ LEADER_ELECTION_LEASE_DURATION: '10s', LEADER_ELECTION_RENEW_DEADLINE: '10s' }),
      /LEADER_ELECTION_RENEW_DEADLINE: cluster\.renew_deadline: must be shorter than lease_duration/,
    )
    await assert.rejects(
      load({ LEADER_ELECTION_RETRY_PERIOD: '10s' }),
      /LEADER_ELECTION_RETRY_PERIOD: cluster\.retry_period: must be shorter than renew_deadline/,
    )
  })

  it('warn where an election is asked for and no other daemon can use the store', async () => {
    const database = { DATABASE_URL: 'postgres://h/d' }
    const [warning, ...none] = await electionWarnings({ ENABLE_LEADER_ELECTION: 'true' })
    assert.match(warning ?? '', /the store \(sqlite\) belongs to this daemon alone.*one PostgreSQL or MySQL database/)
    assert.deepEqual(none, [])
    assert.deepEqual(await electionWarnings({}), [])
    assert.deepEqual(await electionWarnings({ ENABLE_LEADER_ELECTION: 'false' }), [])
    assert.deepEqual(await electionWarnings({ ENABLE_LEADER_ELECTION: 'true', ...database }), [])
  })
})

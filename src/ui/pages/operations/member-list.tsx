import type { ClusterMember, ClusterStatus } from '../../../client/index.ts'
import { usePolled } from '../../data/polled.ts'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { operationsTexts as texts } from '../../texts/operations.ts'

/** The daemons that share the database, and the leader; nothing where this one has a store of its own. */
export function MemberList() {
  const { value: cluster, error } = usePolled<ClusterStatus>('cluster')
  if (!cluster?.shared) return null
  const { members, is_member, leader_election, leader, unowned_targets = 0, lag_seconds, last_takeover } = cluster
  return (
    <>
      <h2>{texts.members}</h2>
      <ProblemLine error={error} />
      {!is_member && <p class="problem">{texts.cutOff}</p>}
      {is_member && !leader_election && <p>{texts.noElection}</p>}
      {is_member && leader_election && leader === null && <p>{texts.noLeader}</p>}
      {members.length > 0 && (
        <Table columns={texts.memberColumns}>
          {members.map((member) => (
            <MemberRow key={member.id} member={member} />
          ))}
        </Table>
      )}
      {unowned_targets > 0 && <p>{texts.unowned(unowned_targets)}</p>}
      {last_takeover && (
        <p>
          {texts.takeover[last_takeover.of]} <bdi>{last_takeover.from}</bdi>, <Ago at={last_takeover.at} />
        </p>
      )}
      {lag_seconds !== undefined && <p>{texts.lag(lag_seconds)}</p>}
    </>
  )
}

function MemberRow({ member }: { readonly member: ClusterMember }) {
  const { id, is_self, is_leader, build, joined_at, renewed_seconds_ago, targets, address } = member
  return (
    <tr>
      <td>
        <bdi>{id}</bdi> {is_self && texts.thisOne}
      </td>
      <td>{is_leader ? texts.leader : texts.member}</td>
      <td>{build}</td>
      <td>
        <Ago at={joined_at} />
      </td>
      <td>{renewed_seconds_ago !== undefined && texts.renewedAgo(renewed_seconds_ago)}</td>
      <td>{targets}</td>
      <td>{address && <bdi>{address}</bdi>}</td>
    </tr>
  )
}

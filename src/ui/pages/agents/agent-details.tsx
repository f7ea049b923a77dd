import type { Reason, Status } from '../../../client/index.ts'
import { usePolled } from '../../data/polled.ts'
import { type Fact, FactList } from '../../parts/fact-list.tsx'
import { ProblemLine } from '../../parts/problem-line.tsx'
import { StatusMark } from '../../parts/status.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { agentsTexts as texts } from '../../texts/mesh/agents.ts'
import { reasonTexts } from '../../texts/status.ts'
import type { AgentStatus, AgentView } from './agent-view.ts'
import { DependencyList } from './dependency-list.tsx'
import { LeaseLeft } from './lease.tsx'
import { UnregisterButton } from './unregister-button.tsx'

/** One agent: its lease, what it offers, what it needs and who serves that, or why it is not served. */
export function AgentDetails({ id }: { readonly id: string }) {
  const path = `agents/${encodeURIComponent(id)}`
  const { value: agent, error } = usePolled<AgentView>(path, { everyMs: 2000, isWithServers: true })
  const { value: state } = usePolled<AgentStatus>(`${path}/status`, { isWithServers: true })
  if (error?.code === 'agent_not_found' || !agent)
    return (
      <section>
        {error?.code === 'agent_not_found' ? <h1>{texts.unknown(id)}</h1> : <ProblemLine error={error} />}
        {error && <a href={linkTo(['agents'])}>{texts.allAgents}</a>}
      </section>
    )
  const reason = state?.reason === undefined ? undefined : reasonTexts[state.reason as Reason]
  return (
    <section class="agent">
      <p class="soft">
        <a href={linkTo(['agents'])}>{texts.title}</a> / {agent.namespace}
      </p>
      <div class="head">
        <h1>
          <bdi>{id}</bdi>
        </h1>
        <StatusMark status={agent.status as Status} />
        <a href={linkTo(['servers', agent.namespace, id])}>{texts.server}</a>
        <a href={linkTo(['graph'], new URLSearchParams({ agent: id }))}>{texts.graph}</a>
        <a href={linkTo(['events'], new URLSearchParams({ agent_id: id }))}>{texts.events}</a>
        <UnregisterButton agent={agent} />
      </div>
      <ProblemLine error={error} />
      {agent.description !== null && agent.description !== '' && (
        <p>
          <bdi>{agent.description}</bdi>
        </p>
      )}
      {reason && agent.status !== 'healthy' && (
        <p class="problem">
          {reason.meaning} {reason.remedy}
        </p>
      )}
      <AgentFacts agent={agent} state={state} />
      <h2>{texts.needs}</h2>
      <DependencyList id={id} />
      <h2>{texts.offers}</h2>
      <Offers agent={agent} />
      <h2>{texts.sent}</h2>
      {agent.sent ? (
        <pre tabIndex={0}>
          <bdi>{JSON.stringify(agent.sent['metadata'] ?? agent.sent, undefined, 2)}</bdi>
        </pre>
      ) : (
        <p class="soft">{texts.sentNothing}</p>
      )}
    </section>
  )
}

function AgentFacts({ agent, state }: { readonly agent: AgentView; readonly state: AgentStatus | undefined }) {
  const { facts } = texts
  const labels = Object.entries(agent.labels).map(([key, value]) => `${key}=${value}`)
  const shown: readonly Fact[] = [
    [facts.lease, <LeaseLeft key="lease" agent={agent} />],
    [facts.heartbeat, agent.last_heartbeat === null ? texts.notHeard : <Ago key="heard" at={agent.last_heartbeat} />],
    [
      facts.interval,
      `${texts.every(agent.health_interval)}. ${texts.thresholds(agent.timeout_threshold, agent.eviction_threshold)}`,
    ],
    [facts.since, state?.since && <Ago key="since" at={state.since} suffix="" />],
    [facts.reported, state?.self_reported_status],
    [facts.endpoint, agent.endpoint],
    [facts.type, agent.agent_type],
    [facts.runtime, agent.runtime],
    [facts.version, agent.version],
    [facts.registered, <Ago key="registered" at={agent.created_at} />],
    [facts.instance, agent.instance_id],
    [facts.labels, labels.join(', ')],
    [facts.tags, agent.tags.join(', ')],
    [facts.shadowed, agent.shadowed_by && `${agent.shadowed_by.source}, ${agent.shadowed_by.origin}`],
  ]
  return <FactList facts={shown} />
}

function Offers({ agent: { capabilities } }: { readonly agent: AgentView }) {
  if (capabilities.length === 0) return <p class="soft">{texts.offersNothing}</p>
  return (
    <Table columns={texts.offerColumns}>
      {capabilities.map((capability, index) => (
        <tr key={index}>
          <td>
            <a href={linkTo(['capabilities'], new URLSearchParams({ q: capability.name }))}>
              <bdi>{capability.name}</bdi>
            </a>
            {capability.description !== null && (
              <div class="soft">
                <bdi>{capability.description}</bdi>
              </div>
            )}
          </td>
          <td>
            <code>
              <bdi>{capability.function_name ?? capability.name}</bdi>
            </code>
          </td>
          <td>{capability.version}</td>
          <td>
            <bdi>{capability.tags.join(', ')}</bdi>
          </td>
          <td>
            {capability.available === false ? (
              <span class="status unhealthy">
                <span aria-hidden="true">✕</span> {texts.unavailable}:{' '}
                <bdi>{(capability as { readonly unavailable_reason?: string }).unavailable_reason}</bdi>
              </span>
            ) : (
              <span class="status healthy">
                <span aria-hidden="true">●</span> {texts.available}
              </span>
            )}
          </td>
        </tr>
      ))}
    </Table>
  )
}

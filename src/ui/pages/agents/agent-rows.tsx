import type { Status } from '../../../client/index.ts'
import { StatusMark } from '../../parts/status.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { linkTo } from '../../router.ts'
import { agentsTexts as texts } from '../../texts/mesh/agents.ts'
import type { AgentView } from './agent-view.ts'
import { LeaseLeft } from './lease.tsx'

/** Capabilities that a row names. */
const maxNames = 4

/** Agents, each with its lease, what it offers and what it lacks. */
export function AgentRows({ agents }: { readonly agents: readonly AgentView[] }) {
  return (
    <Table columns={texts.columns} class="agents">
      {agents.map((agent) => (
        <AgentLine key={agent.id} agent={agent} />
      ))}
    </Table>
  )
}

function AgentLine({ agent }: { readonly agent: AgentView }) {
  const names = [...new Set(agent.capabilities.map(({ name }) => name))]
  const { total_dependencies: needed, dependencies_resolved: resolved } = agent
  return (
    <tr data-id={agent.id}>
      <td>
        <StatusMark status={agent.status as Status} />
      </td>
      <td class="name">
        <a href={linkTo(['agents', agent.id])}>
          <bdi>{agent.id}</bdi>
        </a>
        {agent.namespace !== 'default' && <span class="badge">{agent.namespace}</span>}
        {agent.name !== agent.id && (
          <div class="soft">
            <bdi>{agent.name}</bdi>
          </div>
        )}
      </td>
      <td class="lease">
        <LeaseLeft agent={agent} />
      </td>
      <td class="heartbeat">
        {agent.last_heartbeat !== null && <Ago at={agent.last_heartbeat} />}{' '}
        <span class="soft">{texts.every(agent.health_interval)}</span>
      </td>
      <td class="offers" title={names.length > maxNames ? names.join(', ') : undefined}>
        <bdi>{names.slice(0, maxNames).join(', ')}</bdi>
        {names.length > maxNames && <span class="soft"> +{names.length - maxNames}</span>}
      </td>
      <td>
        {needed === 0 ? (
          <span class="soft">{texts.none}</span>
        ) : (
          <span class={resolved < needed ? 'status unhealthy' : 'status healthy'}>
            <span aria-hidden="true">{resolved < needed ? '✕' : '●'}</span> {texts.resolved(resolved, needed)}
          </span>
        )}
      </td>
    </tr>
  )
}

import type { AgentListener } from '../agents/agent.ts'
import type { Agent } from '../agents/agent.ts'
import type { Registry } from '../registry/registry.ts'
import type { SourceListener } from '../registry/supervision/source-state.ts'
import { recordAgentEvents } from './agent-events.ts'
import type { RecordEvent } from './event.ts'
import type { Journal } from './journal.ts'
import { recordRewirings } from './rewiring-events.ts'
import { recordServerEvents } from './server-events.ts'

/** The outcome of a reload of the config. */
type Reload = { readonly applied: boolean; readonly reason?: string; readonly warnings?: readonly string[] }

/** Records what the parts of the daemon announce. */
export function createEventRecorder({
  journal,
  source,
  onError,
}: {
  journal: Pick<Journal, 'record' | 'read' | 'isEnabled'>
  /** Name of the source of agents. */
  source: () => string | undefined
  onError: (error: unknown) => void
}) {
  const { record } = journal
  const agent = recordAgentEvents({ record, source })
  const rewirings = recordRewirings({ record, read: journal.read, source, isEnabled: journal.isEnabled, onError })

  function reload({ applied, reason, warnings }: Reload): void {
    const data = () => ({ applied, ...(warnings && { warnings }) })
    record({ type: 'reload', reason: reason ?? 'applied', data })
  }

  const onAgent: AgentListener = (happening) => {
    if (happening.type === 'registered') rewirings.expectNoEvents(happening.agent.id)
    agent(happening)
  }

  return {
    agent: onAgent,
    forgotten: (forgotten: Agent) => agent({ type: 'forgotten', agent: forgotten }),
    rewired: rewirings.listener,
    source: recordSourceEvents(record),
    reload,
    /** Records the changes of a registry from now on. `starting`: names of the sources that are read for the first time. */
    followServers: (registry: Pick<Registry, 'subscribe'>, starting: () => readonly string[]) =>
      recordServerEvents({ registry, starting, record, isEnabled: journal.isEnabled }),
    [Symbol.asyncDispose]: rewirings[Symbol.asyncDispose],
  }
}

/** Records what happens to sources: that one fails or is read again, and that it lists entries which are rejected. */
function recordSourceEvents(record: RecordEvent): SourceListener {
  return (happening) => {
    const { type, source } = happening
    switch (type) {
      case 'state': {
        const { state, before, servers, reason } = happening
        // A source that is read at the start is no news.
        if (before === 'starting' && (state === 'synced' || state === 'disabled')) return
        const data = () => ({ old_state: before, new_state: state, servers })
        return record({ type: 'source', source, reason, data, isShared: true })
      }
      case 'rejections': {
        const { rejected, before, first } = happening
        const data = () => ({ rejected, before, ...(first && { first }) })
        return record({
          type: 'rejected',
          source,
          reason: first?.reason ?? 'cleared',
          data,
          isRedacted: true,
          isShared: true,
        })
      }
      default:
        return happening satisfies never
    }
  }
}

import { clock, shortDuration } from '../../parts/time.tsx'
import { agentsTexts as texts } from '../../texts/mesh/agents.ts'
import type { AgentView } from './agent-view.ts'

/** How long an agent may still be silent: until it counts as unhealthy, then until it counts as offline. */
export function LeaseLeft({ agent }: { readonly agent: AgentView }) {
  const { last_heartbeat: heard, timeout_threshold: timeout, eviction_threshold: eviction } = agent
  if (heard === null) return <span class="soft">{texts.notHeard}</span>
  const silentMs = Math.max(0, clock.value - Date.parse(heard))
  const [leftMs, lapsedMs] = [timeout * 1000 - silentMs, silentMs - eviction * 1000]
  // The status is the daemon's to say: its clock counts, and it gives grace after a restart.
  if (leftMs >= 0 && agent.status !== 'offline')
    return <span title={texts.thresholds(timeout, eviction)}>{texts.left(shortDuration(leftMs))}</span>
  if (lapsedMs >= 0 || agent.status === 'offline')
    return (
      <span class="lapsed" title={texts.thresholds(timeout, eviction)}>
        <span aria-hidden="true">✕</span> {texts.lapsed(shortDuration(Math.max(0, lapsedMs)))}
      </span>
    )
  return (
    <span class="overdue" title={texts.thresholds(timeout, eviction)}>
      <span aria-hidden="true">▲</span> {texts.overdue(shortDuration(-leftMs))}
    </span>
  )
}

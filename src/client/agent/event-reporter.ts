import type { AgentEvent } from './heartbeat-loop.ts'
import type { AgentOptions } from './settings.ts'

/**
 * Tells events to the user's function. Without one, what keeps the agent out of the mesh becomes a warning of the process, each
 * reason once until the agent is registered again.
 */
export function createReporter({ id, onEvent }: Pick<AgentOptions, 'id' | 'onEvent'>): (event: AgentEvent) => void {
  let lastWarning: string | undefined

  function warn(event: AgentEvent): void {
    const warning = warningOf(event)
    if (warning !== undefined && warning !== lastWarning) process.emitWarning(`agent ${id}: ${warning}`)
    if (warning !== undefined || event.type === 'registered' || event.type === 'resumed') lastWarning = warning
  }

  return (event) => {
    if (!onEvent) return warn(event)
    try {
      onEvent(event)
    } catch (error) {
      // It harms no heartbeat.
      process.emitWarning(`agent ${id}: onEvent failed: ${String(error)}`)
    }
  }
}

function warningOf(event: AgentEvent): string | undefined {
  if (event.type === 'disconnected') return `not registered: ${event.error.message}`
  return event.type === 'suspended' ? `sends no heartbeats: ${event.reason}` : undefined
}

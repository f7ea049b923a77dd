import type { MeshAnswer, MeshProvider } from '../../roster/agents.ts'
import { AgentError } from '../agent-error.ts'
import type { AgentEvent } from '../heartbeat-loop.ts'
import type { CallOptions, Injectable, Tool, UntypedCall } from '../tool.ts'
import { maxDepth, runningCall } from './running-call.ts'

type Slot = {
  readonly name: string
  readonly required: boolean
  provider: MeshProvider | null
  readonly proxy: Injectable<UntypedCall>
}

export type InjectedValues = Readonly<Record<string, Injectable<UntypedCall> | null>>

/** The dependencies of an agent's tools, with the providers that the roster resolved them to. */
export function createDependencyTable({
  agent_id,
  call,
  onEvent,
  isClosed,
}: {
  agent_id: string
  call: (provider: MeshProvider, args: unknown, options?: CallOptions) => Promise<unknown>
  onEvent: (event: AgentEvent) => void
  isClosed: () => boolean
}) {
  /** By tool, in the order of declaration. */
  const slots = new Map<string, readonly Slot[]>()

  function define({ name, slots: declared }: Tool): void {
    slots.set(
      name,
      declared.map(({ name, dependency }) => createSlot(name, dependency.required === true)),
    )
  }

  function createSlot(name: string, required: boolean): Slot {
    const invoke = async (args?: unknown, options?: CallOptions): Promise<unknown> => {
      const { provider } = slot
      if (isClosed())
        throw new AgentError('agent_closed', `"${name}" cannot be called: the agent ${agent_id} is closed`)
      if (!provider) throw new AgentError('no_provider', `"${name}" cannot be called: no agent provides it now`)
      const { depth, signal } = runningCall() ?? { depth: 0 }
      if (depth >= maxDepth)
        throw new AgentError(
          'call_too_deep',
          `"${name}" cannot be called: ${depth} calls are nested already; the dependencies form a circle`,
        )
      const signals = [signal, options?.signal].flatMap((one) => one ?? [])
      return call(provider, args, { ...options, ...(signals.length > 0 && { signal: AbortSignal.any(signals) }) })
    }
    const proxy = Object.defineProperties(invoke, {
      name: { value: name },
      provider: { get: () => providerView(slot.provider), enumerable: true },
    }) as unknown as Injectable<UntypedCall>
    const slot: Slot = { name, required, provider: null, proxy }
    return slot
  }

  /** Takes the providers of an answer; a function that the answer does not name keeps its own. */
  function apply({ dependencies_resolved = {} }: MeshAnswer): void {
    for (const [function_name, places] of slots) {
      const resolved = dependencies_resolved[function_name]
      if (!Array.isArray(resolved)) continue
      for (const [at, slot] of places.entries()) {
        const before = slot.provider
        slot.provider = usable(resolved[at])
        if (isSame(before, slot.provider)) continue
        onEvent({ type: 'rewired', function_name, dependency: slot.name, provider: slot.provider?.agent_id ?? null })
      }
    }
  }

  /** What a tool gets. */
  function injectedFor(tool: string): InjectedValues {
    return Object.fromEntries((slots.get(tool) ?? []).map(({ name, provider, proxy }) => [name, provider && proxy]))
  }

  /** The required dependencies of a tool that have no provider. */
  function missingFor(tool: string): string[] {
    return (slots.get(tool) ?? []).filter(({ required, provider }) => required && !provider).map(({ name }) => name)
  }

  /** Where the providers are. */
  function endpoints(): Set<string> {
    const all = [...slots.values()].flat().flatMap(({ provider }) => provider?.endpoint ?? [])
    return new Set(all)
  }

  return { define, apply, injectedFor, missingFor, endpoints }
}

/** A provider that can be called; published registries write `available` or `healthy`. */
function usable(place: MeshProvider | null | undefined): MeshProvider | null {
  if (!place || (place.status !== 'available' && place.status !== 'healthy')) return null
  return URL.canParse(place.endpoint) && /^https?:/i.test(place.endpoint) ? place : null
}

function isSame(one: MeshProvider | null, other: MeshProvider | null): boolean {
  if (!one || !other) return one === other
  const keys = ['agent_id', 'function_name', 'endpoint'] as const
  return keys.every((key) => one[key] === other[key])
}

function providerView(provider: MeshProvider | null): Injectable<UntypedCall>['provider'] {
  return provider && { agent_id: provider.agent_id, function_name: provider.function_name, endpoint: provider.endpoint }
}

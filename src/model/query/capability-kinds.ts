// Separate from `capability.ts`, so that the client library does not load zod.
import type { Capability } from '../capability.ts'

/** The kinds of capability that queries ask for by name. `declared` may be a tool: most definitions do not say. */
export const queriedKinds = {
  tool: ['tool', 'declared'],
  prompt: ['prompt'],
  resource: ['resource'],
  extension: ['extension'],
} as const satisfies Readonly<Record<string, readonly Capability['kind'][]>>
export type QueriedKind = keyof typeof queriedKinds

/** Whether a capability can be called as a tool. */
export function isTool({ kind }: Pick<Capability, 'kind'>): boolean {
  return queriedKinds.tool.some((one) => one === kind)
}

/** The name of the tool that carries out a capability. */
export function toolNameOf({ name, function_name }: Pick<Capability, 'name' | 'function_name'>): string {
  return function_name ?? name
}

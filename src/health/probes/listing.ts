import type { Client } from '@modelcontextprotocol/client'
import * as z from 'zod'
import type { Capability } from '../../model/capability.ts'
import type { ProbeOutcome } from './probe.ts'
import { capabilitiesOf, extensionsOf, type ListedKind, maxItemsPerKind } from './tools.ts'

type Limits = { readonly signal: AbortSignal; readonly timeout: number }

const maxPages = 50

/** What a server may list: only what its capabilities announce is asked for. */
const lists = [
  { kind: 'tool', announced: 'tools' },
  { kind: 'prompt', announced: 'prompts' },
  { kind: 'resource', announced: 'resources' },
] as const satisfies readonly { readonly kind: ListedKind; readonly announced: string }[]

/** Whether one of the lists is announced; the capabilities are those of `server/discover` or `initialize`. */
export function hasLists(announced: Readonly<Record<string, unknown>>): boolean {
  return lists.some((list) => announced[list.announced] !== undefined)
}

/** Lists the tools, prompts and resources of a server, one kind after the other. A list that fails is named; the server is alive anyway. */
export async function listCapabilities(
  client: Client,
  limits: Limits,
): Promise<Required<Pick<ProbeOutcome, 'capabilities'>> & Pick<ProbeOutcome, 'unlisted'>> {
  const announced: Readonly<Record<string, unknown>> = client.getServerCapabilities() ?? {}
  const capabilities: Capability[] = []
  const unlisted: ListedKind[] = []
  for (const { kind, announced: key } of lists) {
    if (announced[key] === undefined) continue
    const items = await itemsOf(client, key, limits).catch(() => undefined)
    if (items) capabilities.push(...capabilitiesOf(items, kind))
    else unlisted.push(kind)
  }
  capabilities.push(...extensionsOf(announced))
  return { capabilities, ...(unlisted.length > 0 && { unlisted }) }
}

/** Every page of one list. */
async function itemsOf(client: Client, key: (typeof lists)[number]['announced'], limits: Limits): Promise<unknown[]> {
  const items: unknown[] = []
  let cursor: string | undefined
  for (let page = 0; page < maxPages && items.length < maxItemsPerKind; page++) {
    const request = { method: `${key}/list`, params: cursor === undefined ? {} : { cursor } }
    // With our own lenient schema: one invalid item does not hide the others, and no foreign schema is compiled.
    const result: Page = await client.request(request, pageOf(key), limits)
    items.push(...result.items)
    if (result.nextCursor === undefined || result.nextCursor === cursor) break
    cursor = result.nextCursor
  }
  return items
}

type Page = { readonly items: readonly unknown[]; readonly nextCursor: string | undefined }

function pageOf(key: string) {
  return z.looseObject({ [key]: z.array(z.unknown()), nextCursor: z.string().optional() }).transform((page): Page => ({
    items: page[key] as unknown[],
    nextCursor: page['nextCursor'] as string | undefined,
  }))
}

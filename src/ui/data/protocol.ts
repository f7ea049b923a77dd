import type { Server } from '../../client/index.ts'

/** The fields of a server that its row shows. */
export const rowFields = [
  'id',
  'name',
  'namespace',
  'title',
  'type',
  'source',
  'discovery_method',
  'status',
  'health',
  'enabled',
  'stale',
  'tags',
  'shadows',
] as const

/** One server in a list. */
export type Row = {
  readonly id: string
  readonly name: string
  readonly namespace: string
  /** Puts names in order, numbers by their value: `server-9` before `server-10`. */
  readonly nameKey: string
  readonly title?: string
  readonly type: Server['type']
  readonly source: string
  readonly method: Server['discovery_method']
  readonly status: Server['status']
  readonly reason?: string
  /** Start of the status, in ms since 1970. */
  readonly since: number
  readonly enabled: boolean
  readonly stale: boolean
  readonly tags: readonly string[]
  readonly shadows: number
}

/** What a tab asks of the shared worker. */
export type ToWorker =
  | { readonly type: 'open'; readonly url: string; readonly token: string }
  | { readonly type: 'retry' }
  | { readonly type: 'close' }

/** How the connection to the daemon is. */
export type LinkState =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly reason: string; readonly retryAt: number }
  | { readonly state: 'refused'; readonly reason: string; readonly code: string; readonly status: number }

/** What the shared worker tells a tab. */
export type FromWorker =
  /** Rows of the opening list; the first message replaces what the tab had, and `isComplete` ends the list. */
  | {
      readonly type: 'rows'
      readonly rows: readonly Row[]
      readonly total: number
      readonly isFirst: boolean
      readonly isComplete: boolean
    }
  | { readonly type: 'changes'; readonly changed: readonly Row[]; readonly removed: readonly string[] }
  | { readonly type: 'link'; readonly link: LinkState }

/** The row of a server. */
export function rowOf(server: Pick<Server, (typeof rowFields)[number]>): Row {
  const { id, name, namespace, title, type, source, status, health, enabled, stale, tags, shadows } = server
  return {
    id,
    name,
    namespace,
    nameKey: naturalKey(name),
    ...(title === undefined ? {} : { title }),
    type,
    source,
    method: server.discovery_method,
    status,
    ...(health.reason === undefined ? {} : { reason: health.reason }),
    since: Date.parse(health.since),
    enabled,
    stale,
    tags,
    shadows: shadows.length,
  }
}

/** Digits of the longest number that is ordered by its value. */
const maxDigits = 12

/** A text that sorts by `<` as people would: ignoring case, numbers by value. A tenth of the time of a collator. */
export function naturalKey(text: string): string {
  return text.toLowerCase().replaceAll(/\d+/g, (digits) => digits.padStart(maxDigits, '0'))
}

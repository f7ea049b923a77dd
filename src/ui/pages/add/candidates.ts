import { parseListing } from '../../../sources/documents/parse.ts'
import { ApiError, request } from '../../data/api.ts'
import { servers } from '../../data/live-servers.ts'
import { addTexts as texts } from '../../texts/add.ts'

/** An entry of a document: its fields, or why it is no server. */
type ListedEntry = {
  readonly value?: Readonly<Record<string, unknown>>
  readonly problem?: string
  readonly name?: string
  readonly where?: string
}

/** How a server of the preview is. */
export type CandidateState =
  | { readonly type: 'checking' | 'fine' | 'adding' | 'added' }
  | { readonly type: 'refused'; readonly reason: string; readonly code?: string }

/** One server that could be added. */
export type ServerCandidate = {
  readonly key: string
  readonly name: string
  readonly namespace: string
  readonly address: string
  /** Line and key in the document. */
  readonly where: string
  readonly notes: readonly string[]
  readonly body: Readonly<Record<string, unknown>>
  readonly state: CandidateState
}

/** Fields that clients keep for themselves. */
const clientFields = new Set([
  'alwaysAllow',
  'autoApprove',
  'timeout',
  'gallery',
  'envFile',
  'oauth',
  'dev',
  'disabled',
])

/** The servers of a list of entries, each with its fields as the API takes them. */
export function toCandidates(entries: readonly ListedEntry[]): readonly ServerCandidate[] {
  return entries.map(({ value, problem, name: stated, where = '' }, index) => {
    const body = Object.fromEntries(Object.entries(value ?? {}).filter(([field]) => !clientFields.has(field)))
    const { name = stated, namespace = 'default', url, command, args } = body
    const dropped = Object.keys(value ?? {}).filter((field) => clientFields.has(field) && field !== 'disabled')
    const reason = problem ?? (typeof name === 'string' && name !== '' ? existing(namespace, name) : texts.noName)
    return {
      key: `${index} ${String(namespace)}/${String(name)}`,
      name: textOf(name),
      namespace: textOf(namespace),
      address: textOf(url) || [command, ...(Array.isArray(args) ? args : [])].map(textOf).join(' '),
      where,
      notes: dropped.length > 0 ? [texts.notKept(dropped.join(', '))] : [],
      body,
      state: reason === undefined ? { type: 'checking' } : { type: 'refused', reason },
    }
  })
}

const textOf = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

function existing(namespace: unknown, name: string): string | undefined {
  const row = servers.rows.get(`${String(namespace)}/${name}`)
  return row && row.method !== 'registered' ? texts.exists(row.source) : undefined
}

/** Asks the daemon whether it would take a server. */
export async function checkCandidate({ body }: ServerCandidate, signal: AbortSignal): Promise<CandidateState> {
  try {
    await request('servers?dry_run=true', { method: 'POST', body, signal })
    return { type: 'fine' }
  } catch (error) {
    signal.throwIfAborted()
    return refused(error)
  }
}

export async function addCandidate({ body }: ServerCandidate): Promise<CandidateState> {
  try {
    await request('servers', { method: 'POST', body })
    return { type: 'added' }
  } catch (error) {
    return refused(error)
  }
}

function refused(error: unknown): CandidateState {
  const reason = error instanceof Error ? error.message : String(error)
  return { type: 'refused', reason, ...(error instanceof ApiError ? { code: error.code } : {}) }
}

/** Most servers that are added at once. */
const maxServers = 200

export type ReadDraft = {
  readonly candidates: readonly ServerCandidate[]
  readonly problem?: string
  readonly note?: string
}

/** What a pasted document lists. Sources read documents with the same code: lists of Claude, Cursor, VS Code, registries and our own. */
export async function readPasted(text: string): Promise<ReadDraft> {
  try {
    const { entries, links } = await parseListing(text, 'auto')
    if (entries.length > maxServers) return { candidates: [], problem: texts.tooMany(maxServers) }
    const note = links.length > 0 ? texts.links(links.length) : entries.length === 0 ? texts.noServers : undefined
    return { candidates: toCandidates(entries as readonly ListedEntry[]), ...(note === undefined ? {} : { note }) }
  } catch (error) {
    const { message, where } = error as Error & { where?: string }
    return { candidates: [], problem: [texts.unreadable, where && `${where}:`, message].filter(Boolean).join(' ') }
  }
}

import type { Reason } from '../../../client/index.ts'
import { request } from '../../data/api.ts'
import { addTexts as texts } from '../../texts/add.ts'

/** What a probe found at the URL of an entry. */
export type ProbeFinding = {
  readonly ok: boolean
  readonly reason: Reason
  readonly response_time_ms: number
  readonly protocol_version?: string
  readonly server_name?: string
  readonly version?: string
  readonly tools?: number
  readonly suggested_name?: string
}

type PreviewedServer = {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly url?: string
  readonly command?: string
  readonly args?: readonly string[]
}

export type TakenEntry = {
  readonly action: 'create' | 'replace' | 'none'
  readonly where?: string
  readonly ignored?: readonly string[]
  readonly server: PreviewedServer
  readonly probe?: ProbeFinding
}

export type RefusedEntry = {
  readonly name?: string
  readonly where?: string
  readonly reason: string
  readonly code: string
  readonly probe?: ProbeFinding
}

export type PreviewAnswer = {
  readonly taken: readonly TakenEntry[]
  readonly refused: readonly RefusedEntry[]
  readonly left_off?: number
}

export type ImportAnswer = {
  readonly written: readonly { readonly id: string }[]
  readonly refused: readonly RefusedEntry[]
}

/** What the daemon says of a document; nothing while there is none. */
export type DocumentReading = {
  readonly document?: string
  readonly answer?: PreviewAnswer
  readonly isProbed?: boolean
  /** Why there is no answer. */
  readonly error?: Error
}

/** As the daemon takes it, in bytes of UTF-8. */
export const maxPreviewedBytes = 262_144

/** Why a document is not sent; undefined where it is. */
export function sizeProblem(document: string): string | undefined {
  // A character has at most three bytes for each of its units.
  if (document.length * 3 <= maxPreviewedBytes) return undefined
  const bytes = new TextEncoder().encode(document).length
  return bytes > maxPreviewedBytes ? texts.tooLarge(bytes, maxPreviewedBytes) : undefined
}

/** Asks what would become of the servers of a document. */
export async function previewDocument(
  document: string,
  { isProbed = false, signal }: { isProbed?: boolean; signal?: AbortSignal } = {},
): Promise<DocumentReading> {
  const path = isProbed ? 'servers/preview?probe=true' : 'servers/preview'
  const options = { method: 'POST', text: document, ...(signal && { signal }) } as const
  return { document, isProbed, answer: await request<PreviewAnswer>(path, options) }
}

/** Writes the chosen servers of a document. */
export function importDocument(document: string, servers: readonly string[]): Promise<ImportAnswer> {
  return request<ImportAnswer>('servers/import', { method: 'POST', body: { document, servers } })
}

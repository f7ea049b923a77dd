import { hash } from 'node:crypto'
import { redactText } from '../model/redaction/redact-text.ts'
import { redactValue } from '../model/redaction/redact.ts'
import { maxEventLengths, type NewEvent, type StoredEvent } from '../stores/event.ts'
import type { JournalEvent } from './event.ts'

/** An event in the form in which it is stored, but for its age. */
export type EncodedEvent = Omit<NewEvent, 'age_ms'>

/** Maximum length of a reason, in characters. */
const maxReasonLength = 1000
/** Maximum length of the JSON of `data`, in characters; longer lists and texts in it are cut. */
const maxDataLength = 16 * 1024
/** Items of a list, and characters of a text, that remain where `data` is cut. */
const cutTo = { items: 20, characters: 200 } as const

/** The part of an event that is stored as JSON. */
type EventBody = Pick<JournalEvent, 'agent_name' | 'reason' | 'principal'> & { readonly data?: unknown }

/** Encodes an event without its secrets. `coalesced` is the number of events that it stands for, where these are several. */
export function encodeEvent(event: JournalEvent, coalesced = 0): EncodedEvent {
  const { type, event_type = type, server, reason, agent_name, principal, data } = event
  const details = coalesced > 0 ? { ...data?.(), coalesced } : data?.()
  const body: Omit<EventBody, 'data'> = {
    ...(agent_name !== undefined && { agent_name }),
    ...(reason !== undefined && { reason: (event.isRedacted ? reason : redactText(reason)).slice(0, maxReasonLength) }),
    ...(principal !== undefined && { principal }),
  }
  const columns = {
    type,
    event_type,
    ...column('namespace', event.namespace),
    ...(server !== undefined && { server: storableText(server, maxEventLengths.server) }),
    ...column('agent_id', event.agent_id),
    ...column('function_name', event.function_name),
    ...column('source', event.source),
    body: withData(JSON.stringify(body), details && (event.isRedacted ? details : redactValue(details))),
  }
  return event.isShared && coalesced === 0 ? { ...columns, digest: digestOf(columns) } : columns
}

function column(name: keyof EncodedEvent, text: string | undefined): Partial<EncodedEvent> {
  return text === undefined ? {} : { [name]: storableText(text, maxEventLengths.text) }
}

/** Replaces what no database stores. JSON needs no such care: it escapes these characters. */
function storableText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed().replaceAll('\0', '\uFFFD')
}

function digestOf(columns: EncodedEvent): string {
  return hash('sha1', JSON.stringify(columns), 'base64url')
}

/** Adds `data` to the JSON of an object; it is cut where its own JSON is too long. */
function withData(json: string, data: unknown): string {
  if (data === undefined) return json
  const text = boundedJson(data)
  return `${json.slice(0, -1)}${json === '{}' ? '' : ','}"data":${text}}`
}

function boundedJson(data: unknown): string {
  const text = JSON.stringify(data)
  if (text.length <= maxDataLength) return text
  const cut = JSON.stringify({ ...(cutLong(data) as object), truncated: true })
  return cut.length <= maxDataLength ? cut : '{"truncated":true}'
}

function cutLong(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, cutTo.characters).toWellFormed()
  if (Array.isArray(value)) return value.slice(0, cutTo.items).map(cutLong)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cutLong(one)]))
}

/** An event as the API shows it: the fields of the original mesh registry, and ours. */
export function eventView({ id, at, body, ...columns }: StoredEvent): Record<string, unknown> {
  return { id, timestamp: at, ...columns, ...(JSON.parse(body) as EventBody) }
}

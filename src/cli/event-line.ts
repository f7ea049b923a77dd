import type { JournalEvent } from '../client/roster/events.ts'
import { defaultNamespace } from '../model/identity.ts'
import { escapeControls, padEnd } from './text.ts'

/** One event of the journal as a line: time, type, what it is about, what happened. */
export function journalLine(event: JournalEvent): string {
  const { timestamp, type } = event
  const time = timestamp.replace(/\.\d+Z$/, 'Z')
  const cells = [time, padEnd(type, 12), padEnd(escapeControls(subjectOf(event)), 32), escapeControls(detailOf(event))]
  return cells.join('  ').trimEnd()
}

function subjectOf({ type, server, source, function_name, data }: JournalEvent): string {
  if (server === undefined) return source === undefined ? 'config' : `source ${source}`
  const name = server.startsWith(`${defaultNamespace}/`) ? server.slice(defaultNamespace.length + 1) : server
  if (type !== 'rewired' || function_name === undefined) return name
  return `${name} ${function_name}[${shown(data?.['dep_index'])}]`
}

function detailOf(event: JournalEvent): string {
  const { reason, principal, data = {} } = event
  const coalesced = data['coalesced'] === undefined ? '' : `(and ${shown(data['coalesced'])} more like it)`
  const because = reason === undefined || reason === '' ? '' : `(${reason})`
  const caller = principal === undefined ? '' : `by ${principal}`
  return [mainOf(event, data), because, caller, coalesced].filter((part) => part !== '').join(' ')
}

/** What happened, without its reason. */
function mainOf({ type, source }: JournalEvent, data: Readonly<Record<string, unknown>>): string {
  switch (type) {
    case 'status':
    case 'expired':
    case 'recovered':
      return `${shown(data['old_status'])} → ${shown(data['new_status'])}`
    case 'source':
      return `${shown(data['old_state'])} → ${shown(data['new_state'])}`
    case 'registered':
    case 'unregistered':
      return [data['agent_type'], data['version']]
        .filter((part) => part !== undefined)
        .map(shown)
        .join(' ')
    case 'added':
    case 'removed':
      return data['more'] === undefined
        ? `${source ?? ''}: ${shown(data['origin'])}`
        : `${shown(data['more'])} more servers`
    case 'changed':
      return changeOf(data)
    case 'rewired':
      return rewiringOf(data)
    case 'rejected':
      return `${shown(data['rejected'])} entries`
    case 'member':
      return ''
    case 'reload':
      return data['applied'] === true ? '' : 'failed'
    default:
      return type satisfies never
  }
}

function changeOf({ fields, capabilities }: Readonly<Record<string, unknown>>): string {
  const { added, removed } = (capabilities ?? {}) as { added?: unknown; removed?: unknown }
  return [
    textsIn(fields).join(', '),
    ...textsIn(added).map((name) => `+${name}`),
    ...textsIn(removed).map((name) => `-${name}`),
  ].join(' ')
}

function rewiringOf({ spec, chosen, prior_chosen: prior }: Readonly<Record<string, unknown>>): string {
  const capability = shown((spec as { capability?: unknown } | undefined)?.capability)
  const provider = (chosen as { agent_id?: unknown } | undefined)?.agent_id
  return `${capability}: ${prior === undefined ? 'none' : shown(prior)} → ${provider === undefined ? 'none' : shown(provider)}`
}

const textsIn = (list: unknown) => (Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [])

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?'
}

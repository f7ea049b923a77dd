import { signal } from '@preact/signals'
import { rights } from '../../data/rights.ts'
import { addTexts as texts } from '../../texts/add.ts'
import type { ProbeFinding } from './document-preview.ts'

export type FormFields = Readonly<
  Record<
    'url' | 'headers' | 'command' | 'args' | 'env' | 'name' | 'namespace' | 'title' | 'description' | 'tags',
    string
  >
>

export const emptyForm: FormFields = {
  url: '',
  headers: '',
  command: '',
  args: '',
  env: '',
  name: '',
  namespace: '',
  title: '',
  description: '',
  tags: '',
}

/** What is written in the form; kept while other pages are open. */
export const formFields = signal<FormFields>(emptyForm)
export const formKind = signal<'url' | 'command'>('url')

/** What a probe found at the URL of the form. */
export const formFinding = signal<{ readonly at: string; readonly probe: ProbeFinding } | undefined>(undefined)

/** What a probe of the form asks: what it found holds until this changes. */
export const probedAddress = ({ url, headers }: FormFields) => `${url.trim()}\n${headers}`

/** The finding about what the form says now. */
export function findingOf(fields: FormFields): ProbeFinding | undefined {
  const known = formFinding.value
  return known?.at === probedAddress(fields) ? known.probe : undefined
}

/** The document of the server that the form describes, or why it is none; neither while it says nothing that could be one. */
export function documentOfForm(
  kind: 'url' | 'command',
  fields: FormFields,
): { readonly document?: string; readonly problem?: string } {
  const address = kind === 'url' ? fields.url.trim() : fields.command.trim()
  if (address === '') return {}
  const pairs = kind === 'url' ? pairsOf(fields.headers, ':') : pairsOf(fields.env, '=')
  const value = {
    name: fields.name.trim() || suggestedName(kind, fields),
    namespace: fields.namespace.trim() || usualNamespace(),
    ...given('title', fields.title),
    ...given('description', fields.description),
    ...(kind === 'url'
      ? { url: address, ...filled('headers', pairs.map) }
      : { command: address, args: linesOf(fields.args), ...filled('env', pairs.map) }),
    ...listed('tags', fields.tags.split(',')),
  }
  return pairs.problem === undefined ? { document: JSON.stringify({ servers: [value] }) } : { problem: pairs.problem }
}

/** The namespace of a server that names none: the first of those that the token is bound to. */
export function usualNamespace(): string {
  return rights.value?.namespaces?.[0] ?? 'default'
}

/** A name for a server that has none yet: its own, or that of its host, or of what the command runs. */
export function suggestedName(kind: 'url' | 'command', fields: FormFields): string {
  const { url, command, args } = fields
  if (kind === 'command') {
    const named = [command, ...linesOf(args)].findLast((word) => !word.startsWith('-')) ?? ''
    return (named.split('/').at(-1) ?? '').split('@', 1)[0] ?? ''
  }
  const found = findingOf(fields)?.suggested_name
  if (found !== undefined) return found
  if (!URL.canParse(url.trim())) return ''
  const { hostname, port, pathname } = new URL(url.trim())
  const isNamed = hostname !== 'localhost' && !/^[\d.]+$|:/.test(hostname)
  if (isNamed) return hostname.replace(/^(www|mcp|api)\./, '').split('.')[0] ?? ''
  const step = pathname.split('/').findLast((part) => part !== '' && part !== 'mcp' && part !== 'sse')
  return step ?? (port === '' ? hostname : `${hostname}-${port}`)
}

const linesOf = (text: string) => text.split('\n').filter((line) => line.trim() !== '')

function given(key: string, text: string): object {
  return text.trim() === '' ? {} : { [key]: text.trim() }
}

function filled(key: string, map: Readonly<Record<string, string>>): object {
  return Object.keys(map).length > 0 ? { [key]: map } : {}
}

function listed(key: string, items: readonly string[]): object {
  const list = items.map((item) => item.trim()).filter((item) => item !== '')
  return list.length > 0 ? { [key]: list } : {}
}

function pairsOf(
  text: string,
  sign: ':' | '=',
): { readonly map: Readonly<Record<string, string>>; readonly problem?: string } {
  const lines = linesOf(text)
  const wrong = lines.find((line) => line.indexOf(sign) < 1)
  // Not the line itself: it may be a secret.
  if (wrong !== undefined) return { map: {}, problem: texts.badLine(lines.indexOf(wrong) + 1, sign) }
  return {
    map: Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf(sign)
        const value = line.slice(at + 1)
        return [line.slice(0, at).trim(), sign === ':' ? value.trim() : value]
      }),
    ),
  }
}

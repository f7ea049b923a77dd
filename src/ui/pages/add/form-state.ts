import { signal } from '@preact/signals'
import { addTexts as texts } from '../../texts/add.ts'

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

/** The server that the form describes; undefined while it says nothing that could be one. */
export function serverOfForm(
  kind: 'url' | 'command',
  fields: FormFields,
): { readonly value: Readonly<Record<string, unknown>>; readonly problem?: string } | undefined {
  const address = kind === 'url' ? fields.url.trim() : fields.command.trim()
  if (address === '') return undefined
  const pairs = kind === 'url' ? pairsOf(fields.headers, ':') : pairsOf(fields.env, '=')
  const value = {
    name: fields.name.trim() || suggestedName(kind, fields),
    ...given('namespace', fields.namespace),
    ...given('title', fields.title),
    ...given('description', fields.description),
    ...(kind === 'url'
      ? { url: address, ...filled('headers', pairs.map) }
      : { command: address, args: linesOf(fields.args), ...filled('env', pairs.map) }),
    ...listed('tags', fields.tags.split(',')),
  }
  return { value, ...(pairs.problem === undefined ? {} : { problem: pairs.problem }) }
}

/** A name for a server that has none yet: of its host, or of what the command runs. */
export function suggestedName(kind: 'url' | 'command', { url, command, args }: FormFields): string {
  if (kind === 'command') {
    const named = [command, ...linesOf(args)].findLast((word) => !word.startsWith('-')) ?? ''
    return (named.split('/').at(-1) ?? '').split('@', 1)[0] ?? ''
  }
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

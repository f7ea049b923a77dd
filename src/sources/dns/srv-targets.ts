import { isIP } from 'node:net'
import type { Resource } from 'dns2'
import type { Entry } from '../../model/source.ts'
import { normalizeDnsName } from './record-resolver.ts'

/** Attributes of a service, from the TXT records beside its SRV records (RFC 6763, section 6). */
export type TxtAttributes = ReadonlyMap<string, string>

/** One server of a service: its address, and its rank among the others (RFC 2782). */
export type SrvTarget = {
  readonly host: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Parses the texts `key=value` of TXT records. A key counts once, in any case. */
export function parseTxtAttributes(records: readonly Resource[]): TxtAttributes {
  const texts = records.flatMap(({ data }) => (Array.isArray(data) ? data : []))
  const attributes = new Map<string, string>()
  // Records arrive in any order; the same one must win every time.
  for (const text of texts.toSorted()) {
    const [, key, value = ''] = /^([\x20-\x3c\x3e-\x7e]+)(?:=(.*))?$/s.exec(text) ?? []
    if (key !== undefined && !attributes.has(key.toLowerCase())) attributes.set(key.toLowerCase(), value)
  }
  return attributes
}

/**
 * The targets of SRV records, each once, ordered by name: the order of an answer has no meaning.
 *
 * A target of `.` states that the service does not exist (RFC 2782), so it is skipped.
 */
export function parseSrvTargets(records: readonly Resource[]): SrvTarget[] {
  const targets = new Map<string, SrvTarget>()
  for (const { target = '', port = 0, priority = 0, weight = 0 } of records) {
    const host = normalizeDnsName(target)
    if (host === '') continue
    const key = `${host}:${port}`
    const previous = targets.get(key)
    const isBetter =
      !previous || priority < previous.priority || (priority === previous.priority && weight > previous.weight)
    if (isBetter) targets.set(key, { host, port, priority, weight })
  }
  return [...targets.values()].toSorted((one, other) => (srvTargetName(one) < srvTargetName(other) ? -1 : 1))
}

/** The name of a server found in DNS: its address, which does not depend on the other targets. */
export function srvTargetName({ host, port }: SrvTarget): string {
  return `${host}:${port}`
}

const isHost = (text: string) => /^[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?$/.test(text) && isIP(text) === 0

export type SrvDefaults = { readonly path: string; readonly tls?: boolean | undefined; readonly record: string }

/** The entry of a target. `addresses` is left out where the config does not resolve them. */
export function srvTargetEntry(
  target: SrvTarget,
  attributes: TxtAttributes,
  { addresses, ...defaults }: SrvDefaults & { addresses?: readonly string[] | undefined },
): Entry {
  const { host, port, priority, weight } = target
  const name = srvTargetName(target)
  const where = `SRV ${priority} ${weight} ${port} ${host}`
  if (port === 0) return { problem: 'port 0 is not a valid port', name, where }
  if (!isHost(host)) return { problem: 'the target is not a valid host name', where }
  const proto = attributes.get('proto')?.toLowerCase() ?? attributes.get('protocol')?.toLowerCase()
  const title = attributes.get('title') ?? attributes.get('name')
  const tags = splitList(attributes.get('tags'))
  const value = {
    name,
    ...(title && { title }),
    ...pickAttributes(attributes, 'description', 'version'),
    type: transportOf(attributes.get('type') ?? attributes.get('transport') ?? proto),
    url: `${usesTls(attributes, proto, port, defaults) ? 'https' : 'http'}://${host}:${port}${absolutePath(attributes.get('path') ?? defaults.path)}`,
    ...(tags.length > 0 && { tags }),
    metadata: { dns: { record: defaults.record, priority, weight, ...(addresses && { addresses }) } },
  }
  return { value, where }
}

function usesTls(attributes: TxtAttributes, proto: string | undefined, port: number, { tls }: SrvDefaults): boolean {
  const word = attributes.get('tls')?.toLowerCase()
  if (word !== undefined) return !['0', 'no', 'false', 'off'].includes(word)
  if (proto === 'https' || proto === 'http') return proto === 'https'
  return tls ?? (port === 443 || port === 8443)
}

/** The transport that an attribute names; HTTP by default. */
function transportOf(word = ''): string {
  return word.toLowerCase() === 'sse' ? 'sse' : 'http'
}

function absolutePath(path: string): string {
  return path.startsWith('/') || path === '' ? path : `/${path}`
}

function splitList(text = ''): string[] {
  return text.split(',').flatMap((item) => item.trim() || [])
}

function pickAttributes(attributes: TxtAttributes, ...keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.flatMap((key) => (attributes.get(key) ? [[key, attributes.get(key) ?? '']] : [])))
}

import { isIP } from 'node:net'
import type { Resource } from 'dns2'
import type { Entry } from '../../model/source.ts'
import { normalizeDnsName } from './record-resolver.ts'

/** What the TXT records beside the SRV records say of the servers (RFC 6763, section 6). */
export type TxtAttributes = ReadonlyMap<string, string>

/** One server of a service: where it listens, and how it ranks among its like (RFC 2782). */
export type SrvTarget = {
  readonly host: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** The texts `key=value` of TXT records. A key counts once, whatever its case. */
export function parseTxtAttributes(records: readonly Resource[]): TxtAttributes {
  const texts = records.flatMap(({ data }) => (Array.isArray(data) ? data : []))
  const said = new Map<string, string>()
  // Records come in any order; the same one must win every time.
  for (const text of texts.toSorted()) {
    const [, key, value = ''] = /^([\x20-\x3c\x3e-\x7e]+)(?:=(.*))?$/s.exec(text) ?? []
    if (key !== undefined && !said.has(key.toLowerCase())) said.set(key.toLowerCase(), value)
  }
  return said
}

/**
 * The targets of SRV records, each once, ordered by name: the order of an answer means nothing.
 *
 * A target of `.` says that the service is decidedly not there (RFC 2782), so there is none.
 */
export function parseSrvTargets(records: readonly Resource[]): SrvTarget[] {
  const targets = new Map<string, SrvTarget>()
  for (const { target = '', port = 0, priority = 0, weight = 0 } of records) {
    const host = normalizeDnsName(target)
    if (host === '') continue
    const key = `${host}:${port}`
    const before = targets.get(key)
    const isBetter = !before || priority < before.priority || (priority === before.priority && weight > before.weight)
    if (isBetter) targets.set(key, { host, port, priority, weight })
  }
  return [...targets.values()].toSorted((one, other) => (srvTargetName(one) < srvTargetName(other) ? -1 : 1))
}

/** A server found in DNS is called by where it listens: the only name that is its own, and stays when others come and go. */
export function srvTargetName({ host, port }: SrvTarget): string {
  return `${host}:${port}`
}

const isHost = (text: string) => /^[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?$/.test(text) && isIP(text) === 0

export type SrvDefaults = { readonly path: string; readonly tls?: boolean | undefined; readonly record: string }

/** What a target is as an entry. `addresses` is left out where nobody looked. */
export function srvTargetEntry(
  target: SrvTarget,
  said: TxtAttributes,
  { addresses, ...defaults }: SrvDefaults & { addresses?: readonly string[] | undefined },
): Entry {
  const { host, port, priority, weight } = target
  const name = srvTargetName(target)
  const where = `SRV ${priority} ${weight} ${port} ${host}`
  if (port === 0) return { problem: 'port 0 is no port', name, where }
  if (!isHost(host)) return { problem: 'the target is no name of a host', where }
  const proto = said.get('proto')?.toLowerCase() ?? said.get('protocol')?.toLowerCase()
  const title = said.get('title') ?? said.get('name')
  const tags = listIn(said.get('tags'))
  const value = {
    name,
    ...(title && { title }),
    ...pick(said, 'description', 'version'),
    type: typeOf(said.get('type') ?? said.get('transport') ?? proto),
    url: `${isSecure(said, proto, port, defaults) ? 'https' : 'http'}://${host}:${port}${pathOf(said.get('path') ?? defaults.path)}`,
    ...(tags.length > 0 && { tags }),
    metadata: { dns: { record: defaults.record, priority, weight, ...(addresses && { addresses }) } },
  }
  return { value, where }
}

function isSecure(said: TxtAttributes, proto: string | undefined, port: number, { tls }: SrvDefaults): boolean {
  const word = said.get('tls')?.toLowerCase()
  if (word !== undefined) return !['0', 'no', 'false', 'off'].includes(word)
  if (proto === 'https' || proto === 'http') return proto === 'https'
  return tls ?? (port === 443 || port === 8443)
}

/** Only what names a transport says which; anything else spoken at the address is HTTP all the same. */
function typeOf(word = ''): string {
  return word.toLowerCase() === 'sse' ? 'sse' : 'http'
}

function pathOf(path: string): string {
  return path.startsWith('/') || path === '' ? path : `/${path}`
}

function listIn(text = ''): string[] {
  return text.split(',').flatMap((one) => one.trim() || [])
}

function pick(said: TxtAttributes, ...keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.flatMap((key) => (said.get(key) ? [[key, said.get(key) ?? '']] : [])))
}

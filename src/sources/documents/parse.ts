import { SourceError } from '../../model/source.ts'
import { listingOf } from './forms.ts'
import { parseJson } from './json.ts'
import { joined, type Listing } from './listing.ts'

/** Parses a text here and now, on this thread. */
export async function parseListing(text: string, format: 'yaml' | 'json' | 'auto'): Promise<Listing> {
  const nul = text.indexOf('\0')
  if (nul >= 0) throw new SourceError('holds NUL bytes: this is no text', { class: 'config' })
  if (text.trim() === '') throw blank()
  if (format === 'json') return listingOf(parseJson(text), () => undefined)
  const json = /^\s*[{[]/.test(text) ? asJson(text) : undefined
  if (json !== undefined) return listingOf(json, () => undefined)
  // Loaded only when needed: YAML takes longer to load than everything else here.
  const { parseYaml } = await import('./yaml.ts')
  const documents = parseYaml(text)
  if (documents.length === 0) throw blank()
  return joined(documents.map(({ value, locate }) => listingOf(value, locate)))
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function blank(): SourceError {
  return new SourceError('is blank; write `servers: {}` if there are none', { class: 'config' })
}

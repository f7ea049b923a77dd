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
  const json = /^\s*[{[]/.test(text) ? tryJson(text) : undefined
  if (json && 'value' in json) return listingOf(json.value, () => undefined)
  // Loaded only when needed: YAML takes longer to load than everything else here.
  const { parseYaml } = await import('./yaml.ts')
  try {
    const documents = parseYaml(text)
    if (documents.length === 0) throw blank()
    return joined(documents.map(({ value, locate }) => listingOf(value, locate)))
  } catch (error) {
    // What begins with a quoted key was meant as JSON: that error helps more.
    throw json && /^\s*\{\s*"/.test(text) ? json.error : error
  }
}

function tryJson(text: string): { readonly value: unknown } | { readonly error: unknown } {
  try {
    return { value: parseJson(text) }
  } catch (error) {
    return { error }
  }
}

function blank(): SourceError {
  return new SourceError('is blank; write `servers: {}` if there are none', { class: 'config' })
}

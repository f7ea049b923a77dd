import { runToCompletion } from '../../flow/cooperative.ts'
import { SourceError } from '../../model/source.ts'
import type { Locate } from './entry.ts'
import { extractListing } from './formats/formats.ts'
import { mergeListings, type ServerListing } from './server-listing.ts'
import { parseJson } from './syntax/json.ts'

/** `json` takes nothing else; `yaml` and `auto` take either, JSON being YAML too. */
export type TextFormat = 'yaml' | 'json' | 'auto'

/** Parses a text here and now, on this thread. */
export async function parseListing(text: string, format: TextFormat): Promise<ServerListing> {
  const nul = text.indexOf('\0')
  if (nul >= 0) throw new SourceError('holds NUL bytes: this is no text', { class: 'config' })
  if (text.trim() === '') throw blank()
  if (format === 'json') return jsonListing(readJson(text))
  const json = looksLikeJson(text) ? tryJson(text) : undefined
  if (json && 'value' in json) return jsonListing(json)
  // Loaded only when needed: YAML takes longer to load than everything else here.
  const { parseYaml } = await import('./syntax/yaml.ts')
  const documents = yamlOr(json?.error, () => parseYaml(text))
  if (documents.length === 0) throw blank()
  return mergeListings(documents.map(({ value, locate }) => extractListing(value, locate)))

  /** What begins with a quoted key was meant as JSON: that error helps more. */
  function yamlOr<T>(error: unknown, parse: () => T): T {
    try {
      return parse()
    } catch (cause) {
      throw error !== undefined && /^\s*\{\s*"/.test(text) ? error : cause
    }
  }
}

/** Whether a text begins as JSON does; YAML rarely does, but may. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text)
}

type Json = { readonly value: unknown; readonly locate: Locate }

function readJson(text: string): Json {
  const { value, locations: places } = parseJson(text)
  return { value, locate: runToCompletion(places()) }
}

function tryJson(text: string): Json | { readonly error: unknown } {
  try {
    return readJson(text)
  } catch (error) {
    return { error }
  }
}

const jsonListing = ({ value, locate }: Json) => extractListing(value, locate)

function blank(): SourceError {
  return new SourceError('is blank; write `servers: {}` if there are none', { class: 'config' })
}

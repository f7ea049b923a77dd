import { runToCompletion } from '../../flow/cooperative.ts'
import { SourceError } from '../../model/source.ts'
import type { Locate } from './entry.ts'
import { extractListing } from './formats/formats.ts'
import { mergeListings, type ServerListing } from './server-listing.ts'
import { type JsonText, parseLenientJson } from './syntax/json.ts'

/** `json` accepts JSON only, with comments; `json5` JSON5. `yaml` and `auto` accept JSON too: it is YAML. */
export type TextFormat = 'yaml' | 'json' | 'json5' | 'auto'

const formatsByEnding: Readonly<Record<string, TextFormat>> = {
  yaml: 'auto',
  yml: 'auto',
  json: 'json',
  jsonc: 'json',
  json5: 'json5',
}

/** The format of a document by the ending of its name; undefined for other files. */
export function formatOf(name: string): TextFormat | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase()
  return ending === undefined ? undefined : formatsByEnding[ending]
}

/** Parses a text on this thread, without yielding. */
export async function parseListing(text: string, format: TextFormat): Promise<ServerListing> {
  if (text.includes('\0')) throw new SourceError('document holds NUL bytes, so it is not text', { class: 'config' })
  if (text.trim() === '') throw blankError()
  if (format === 'json') return listingOfJson(locatedJson(parseLenientJson(text)))
  if (format === 'json5') return listingOfJson(locatedJson(await parseJson5Lazily(text)))
  const json = looksLikeJson(text) ? tryJson(text) : undefined
  if (json && 'value' in json) return listingOfJson(json)
  // Imported when needed: the YAML library takes longer to load than all other code here.
  const { parseYaml } = await import('./syntax/yaml.ts')
  const documents = withJsonError(json?.error, () => parseYaml(text))
  if (documents.length === 0) throw blankError()
  return mergeListings(documents.map(({ value, locate }) => extractListing(value, locate)))

  /** A text that begins with a quoted key is meant as JSON: then the JSON error helps more. */
  function withJsonError<T>(jsonError: unknown, parse: () => T): T {
    try {
      return parse()
    } catch (cause) {
      throw jsonError !== undefined && /^\s*\{\s*"/.test(text) ? jsonError : cause
    }
  }
}

/** Whether a text begins like JSON. YAML rarely does, but may. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text)
}

type LocatedJson = { readonly value: unknown; readonly locate: Locate }

function locatedJson({ value, locations }: JsonText): LocatedJson {
  return { value, locate: runToCompletion(locations()) }
}

/** Imported when needed: few people write JSON5. */
async function parseJson5Lazily(text: string): Promise<JsonText> {
  const { parseJson5 } = await import('./syntax/json5.ts')
  return parseJson5(text)
}

function tryJson(text: string): LocatedJson | { readonly error: unknown } {
  try {
    return locatedJson(parseLenientJson(text))
  } catch (error) {
    return { error }
  }
}

const listingOfJson = ({ value, locate }: LocatedJson) => extractListing(value, locate)

function blankError(): SourceError {
  return new SourceError('document is blank; write `servers: {}` if there are no servers', { class: 'config' })
}

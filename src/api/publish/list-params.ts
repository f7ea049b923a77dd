import { Problem } from '../http/problem.ts'

/** What is asked of the list of published servers; a cursor carries it on, since clients do not repeat it. */
export type ListParams = {
  readonly search: string | undefined
  /** RFC 3339, in the one spelling that can be compared as text. */
  readonly since: string | undefined
  readonly version: string | undefined
  readonly deleted: boolean
}

/** Where a page goes on: behind this id, among the living or the deleted. */
export type PagePosition = { readonly among: 'living' | 'deleted'; readonly after: string | undefined }

export type Page = { readonly wanted: ListParams; readonly place: PagePosition; readonly limit: number }

const known = ['cursor', 'limit', 'search', 'updated_since', 'version', 'include_deleted'] as const
const usualLimit = 30
const mostLimit = 100

/** Reads the parameters of a list. Throws a problem that names the one that is wrong. */
export function pageIn(parameters: URLSearchParams): Page {
  for (const parameter of parameters.keys()) {
    if (!known.some((name) => name === parameter))
      throw wrong(parameter.slice(0, 100), `unknown parameter; known are ${known.join(', ')}`)
    if (parameters.getAll(parameter).length > 1) throw wrong(parameter, 'is given twice')
  }
  const given = (name: (typeof known)[number]) => parameters.get(name) || undefined
  const cursor = given('cursor')
  const place = cursor === undefined ? undefined : placeIn(cursor)
  const since = sinceIn(given('updated_since'))
  const search = given('search')
  if (search !== undefined && search.length > 256) throw wrong('search', 'must be at most 256 characters')
  const deleted = flagIn('include_deleted', given('include_deleted'))
  const wanted: ListParams = {
    search: search?.toLowerCase() ?? place?.wanted.search,
    since: since ?? place?.wanted.since,
    version: given('version') ?? place?.wanted.version,
    deleted: (deleted ?? place?.wanted.deleted ?? false) || since !== undefined,
  }
  return { wanted, place: place ?? { among: 'living', after: undefined }, limit: limitIn(given('limit')) }
}

/** A cursor is opaque, and plain enough to stand in a URL as it is: some clients do not encode it. */
export function cursorOf({ search, since, version, deleted }: ListParams, { among, after }: PagePosition): string {
  return Buffer.from(JSON.stringify([among === 'deleted', after, search, since, version, deleted])).toString(
    'base64url',
  )
}

function placeIn(cursor: string): PagePosition & { readonly wanted: ListParams } {
  const isText = (value: unknown) => value === null || typeof value === 'string'
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
  try {
    const parts: unknown = cursor.length > 4096 ? undefined : JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parts) && parts.length === 6 && parts.slice(1, 5).every(isText)) {
      const [among, after, search, since, version, deleted] = parts as unknown[]
      const wanted = { search: textOf(search), since: textOf(since), version: textOf(version), deleted: !!deleted }
      return { among: among ? 'deleted' : 'living', after: textOf(after), wanted }
    }
  } catch {
    // Told below: it is no cursor of ours.
  }
  throw wrong('cursor', 'is none that this registry gave; leave it out to begin again')
}

/** Numbers beyond the most are cut to it, as the official registry does not, but its clients ask for more. */
function limitIn(text: string | undefined): number {
  if (text === undefined) return usualLimit
  if (/^\d{1,15}$/.test(text) && Number(text) >= 1) return Math.min(Number(text), mostLimit)
  throw wrong('limit', `must be a whole number from 1 to ${mostLimit}`)
}

function sinceIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  // The plus of an offset is a blank where nobody encoded it.
  const spelled = text.replace(/ (?=\d\d:\d\d$)/, '+')
  const time = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text) ? Date.parse(spelled) : Number.NaN
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw wrong('updated_since', 'must be a time of RFC 3339, such as 2026-01-31T12:00:00Z')
}

function flagIn(parameter: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (/^(true|1)$/i.test(text)) return true
  if (/^(false|0)$/i.test(text)) return false
  throw wrong(parameter, 'must be true or false')
}

function wrong(parameter: string, detail: string): Problem {
  return new Problem('invalid_parameter', `${parameter}: ${detail}`, { more: { parameter } })
}

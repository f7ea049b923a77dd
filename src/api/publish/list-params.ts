import { parseFlag } from '../../model/data/flag.ts'
import { Problem } from '../http/problem.ts'

/** The filter of the list of published servers. A cursor carries it, since clients do not repeat it. */
export type ListFilter = {
  readonly search: string | undefined
  /** RFC 3339 in UTC, which sorts as text. */
  readonly since: string | undefined
  readonly version: string | undefined
  readonly includeDeleted: boolean
}

/** Where a page begins: after this id, among the published or the deleted servers. */
export type PagePosition = { readonly among: 'published' | 'deleted'; readonly after: string | undefined }

export type PageRequest = { readonly filter: ListFilter; readonly position: PagePosition; readonly limit: number }

const parameterNames = ['cursor', 'limit', 'search', 'updated_since', 'version', 'include_deleted'] as const

/** Servers per page. */
const defaultLimit = 30
const maxLimit = 100

/**
 * Parses the parameters of a list. Throws a problem that names the invalid parameter. Unknown ones are ignored, as the official
 * registry does: its clients send them before every registry knows them.
 */
export function parsePageRequest(parameters: URLSearchParams): PageRequest {
  for (const name of parameterNames) if (parameters.getAll(name).length > 1) throw invalid(name, 'is given twice')
  const valueOf = (name: (typeof parameterNames)[number]) => parameters.get(name) || undefined
  const cursor = valueOf('cursor')
  const decoded = cursor === undefined ? undefined : decodeCursor(cursor)
  const since = parseTime(valueOf('updated_since'))
  const search = valueOf('search')
  if (search !== undefined && search.length > 256) throw invalid('search', 'must be at most 256 characters')
  const includeDeleted = flagParameter('include_deleted', valueOf('include_deleted'))
  const filter: ListFilter = {
    search: search?.toLowerCase() ?? decoded?.filter.search,
    since: since ?? decoded?.filter.since,
    version: valueOf('version') ?? decoded?.filter.version,
    includeDeleted: (includeDeleted ?? decoded?.filter.includeDeleted ?? false) || since !== undefined,
  }
  const position = decoded?.position ?? { among: 'published', after: undefined }
  return { filter, position, limit: parseLimit(valueOf('limit')) }
}

/** An opaque cursor in base64url, since some clients do not encode it for the URL. */
export function encodePageCursor(
  { search, since, version, includeDeleted }: ListFilter,
  { among, after }: PagePosition,
): string {
  const parts = [among === 'deleted', after, search, since, version, includeDeleted]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

function decodeCursor(cursor: string): Pick<PageRequest, 'filter' | 'position'> {
  const isText = (value: unknown) => value === null || typeof value === 'string'
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
  try {
    const parts: unknown = cursor.length > 4096 ? undefined : JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parts) && parts.length === 6 && parts.slice(1, 5).every(isText)) {
      const [isDeleted, after, search, since, version, includeDeleted] = parts as unknown[]
      return {
        filter: {
          search: textOf(search),
          since: textOf(since),
          version: textOf(version),
          includeDeleted: !!includeDeleted,
        },
        position: { among: isDeleted ? 'deleted' : 'published', after: textOf(after) },
      }
    }
  } catch {
    // Invalid base64url or JSON; the problem below says so.
  }
  throw invalid('cursor', 'is not a cursor of this registry; omit it to start from the first page')
}

/** A limit above the maximum becomes the maximum: clients of the official registry send larger ones. */
function parseLimit(text: string | undefined): number {
  if (text === undefined) return defaultLimit
  if (/^\d{1,15}$/.test(text) && Number(text) >= 1) return Math.min(Number(text), maxLimit)
  throw invalid('limit', `must be a whole number from 1 to ${maxLimit}`)
}

function parseTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  // An unencoded plus of an offset arrives as a blank.
  const spelled = text.replace(/ (?=\d\d:\d\d$)/, '+')
  const time = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text) ? Date.parse(spelled) : Number.NaN
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw invalid('updated_since', 'must be an RFC 3339 time, such as 2026-01-31T12:00:00Z')
}

function flagParameter(parameter: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  return parseFlag(text) ?? invalidFlag(parameter)
}

function invalidFlag(parameter: string): never {
  throw invalid(parameter, 'must be true or false')
}

function invalid(parameter: string, detail: string): Problem {
  return new Problem('invalid_parameter', `${parameter}: ${detail}`, { more: { parameter } })
}

/** Looks up a request header by its name in lower case. */
export type HeaderOf = (name: string) => string | undefined

/** What a write expects: any state, no resource, some resource, or a resource of one version. */
export type Precondition = 'any' | 'none' | 'some' | { readonly version: string }

/**
 * The precondition of a write: `If-None-Match: *`, else `If-Match` (quoted, bare, weak or several), else
 * `resource_version` in the body. Of several versions in `If-Match`, the `current` one counts if it is among them.
 */
export function preconditionOf(
  header: HeaderOf,
  body: Readonly<Record<string, unknown>>,
  current: string | undefined,
): Precondition {
  if (header('if-none-match')?.trim() === '*') return 'none'
  const ifMatch = header('if-match')
  const versions = ifMatch === undefined ? [] : versionsIn(ifMatch)
  if (versions.includes('*')) return 'some'
  const [first] = versions
  if (first !== undefined) return { version: versions.find((version) => version === current) ?? first }
  const { resource_version: version } = body
  if (typeof version === 'number') return { version: String(version) }
  return typeof version === 'string' && version !== '' ? { version } : 'any'
}

/** The ETag of a server is its version, `;` and a digest of its volatile fields: only the version counts here. */
function versionsIn(ifMatch: string): string[] {
  return ifMatch
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, '').replaceAll('"', '').replace(/;.*$/s, ''))
    .filter((version) => version !== '')
}

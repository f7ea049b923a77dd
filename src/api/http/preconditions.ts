/** A header of a request by its name in lower case. */
export type HeaderOf = (name: string) => string | undefined

/**
 * The version that a write expects, of `If-Match` (quoted, bare, weak, several) or else of `resource_version` in what
 * was sent: `none` where nothing may be there yet, `some` where anything may but nothing not, `any` where nobody asked.
 */
export function expectedIn(
  header: HeaderOf,
  fields: Readonly<Record<string, unknown>>,
  current: string | undefined,
): 'any' | 'none' | 'some' | { readonly version: string } {
  if (header('if-none-match')?.trim() === '*') return 'none'
  const asked = header('if-match')
  const versions = asked === undefined ? [] : versionsIn(asked)
  if (versions.includes('*')) return 'some'
  const [first] = versions
  if (first !== undefined) return { version: versions.find((one) => one === current) ?? first }
  const said = fields['resource_version']
  if (typeof said === 'number') return { version: String(said) }
  return typeof said === 'string' && said !== '' ? { version: said } : 'any'
}

/** An ETag of one server is its version, `;` and what moves with its probes: only the version counts here. */
function versionsIn(ifMatch: string): string[] {
  return ifMatch
    .split(',')
    .map((one) => one.trim().replace(/^W\//, '').replaceAll('"', '').replace(/;.*$/, ''))
    .filter((one) => one !== '')
}

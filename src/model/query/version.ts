import semver from 'semver'

const maxConstraintChars = 256
/** Maximum versions whose result one constraint remembers. */
const maxResults = 1000
/** One operator and one version without a pre-release: the whole grammar of the replaced systems. */
const single = /^(?:>=|<=|>|<|=|~>?|\^)?\s*v?[\dxX*][\d.xX*]*$/
/** A plain version, with or without `=`. */
const literal = /^=?\s*(v?\d[\w.+-]*)$/

/** The test of a constraint: an npm range (`^1.2`, `>=1 <2 || 3.x`, `>=1, <2`), or exactly this text. */
export function matchingVersion(constraint: string): ((version: string) => boolean) | undefined {
  const text = constraint.trim()
  if (text.length > maxConstraintChars) return undefined
  const exact = literal.exec(text)?.[1]
  const range = rangeOf(text)
  if (!range && exact === undefined) return undefined
  const asRelease = single.test(text)
  const results = new Map<string, boolean>()

  function holds(version: string): boolean {
    if (version === exact) return true
    const parsed = versionOf(version)
    if (!range || !parsed) return false
    // As in the replaced systems, a single operator treats `2.1.0-beta` as `2.1.0`.
    return range.test(asRelease ? `${parsed.major}.${parsed.minor}.${parsed.patch}` : parsed)
  }

  return (version) => {
    const cached = results.get(version)
    if (cached !== undefined) return cached
    const result = holds(version)
    if (results.size < maxResults) results.set(version, result)
    return result
  }
}

function rangeOf(text: string): semver.Range | undefined {
  try {
    // The newest of the replaced systems writes a comma for "and"; npm writes a space.
    return new semver.Range(text.replace(/^==/, '=').replaceAll(/(?<=[\w.*])\s*,\s*(?=\S)/g, ' '))
  } catch {
    return undefined // Not a range, but it may equal a version that is not semver.
  }
}

/** Parses versions leniently: missing parts of `v1.2` and `2024.06` are 0. */
function versionOf(version: string): semver.SemVer | null {
  return (
    semver.parse(version, { loose: true }) ?? (/^v?\d/.test(version) ? semver.coerce(version, { loose: true }) : null)
  )
}

import semver from 'semver'

const maxConstraintChars = 256
/** One operator and one version without a pre-release: all that the replaced systems knew. */
const single = /^(?:>=|<=|>|<|=|~>?|\^)?\s*v?[\dxX*][\d.xX*]*$/
/** A version as it stands, `=` or nothing before it. */
const literal = /^=?\s*(v?\d[\w.+-]*)$/

/** What holds of a version: an npm range (`^1.2`, `>=1 <2 || 3.x`, `>=1, <2`), or exactly this text. */
export function matchingVersion(constraint: string): ((version: string) => boolean) | undefined {
  const text = constraint.trim()
  if (text.length > maxConstraintChars) return undefined
  const exact = literal.exec(text)?.[1]
  const range = rangeOf(text)
  if (!range && exact === undefined) return undefined
  const asRelease = single.test(text)
  const known = new Map<string, boolean>()

  function holds(version: string): boolean {
    if (version === exact) return true
    const parsed = versionOf(version)
    if (!range || !parsed) return false
    // As in the systems this one replaces: for a single operator `2.1.0-beta` counts as `2.1.0`.
    return range.test(asRelease ? `${parsed.major}.${parsed.minor}.${parsed.patch}` : parsed)
  }

  return (version) => {
    const before = known.get(version)
    if (before !== undefined) return before
    const answer = holds(version)
    if (known.size < 1000) known.set(version, answer)
    return answer
  }
}

function rangeOf(text: string): semver.Range | undefined {
  try {
    // A comma is the "and" of the newest of the replaced systems; npm writes a blank.
    return new semver.Range(text.replace(/^==/, '=').replaceAll(/(?<=[\w.*])\s*,\s*(?=\S)/g, ' '))
  } catch {
    return undefined // no range; it may still be a version of another make
  }
}

/** Versions as people write them: `v1.2`, `2024.06` count as if their missing parts were 0. */
function versionOf(version: string): semver.SemVer | null {
  return (
    semver.parse(version, { loose: true }) ?? (/^v?\d/.test(version) ? semver.coerce(version, { loose: true }) : null)
  )
}

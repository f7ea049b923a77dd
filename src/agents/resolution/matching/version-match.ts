import { LRUCache } from 'lru-cache'
import semver from 'semver'

/*
 * Version constraints in the grammar of the Go library Masterminds/semver 3.4, which the original registry uses. It differs
 * from that of npm: `1.2` means `~1.2`, `~0.0.0` and `~*` mean any release, `>11` means `>=12`, and one pre-release in a
 * group admits every pre-release to it.
 */

/** A longer constraint is compared as text. */
const maxConstraintChars = 256
const space = '[\\t\\n\\f\\r ]'
/** A number or a wildcard. `|` is no mistake: it makes a single `|` an invalid number, as in the Go library. */
const part = '[0-9|xX*]+'
const labels = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const versionPattern = `v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?(?:-(${labels}))?(?:\\+${labels})?`
const comparatorPattern = new RegExp(
  `${space}*(>=|=>|<=|=<|!=|~>|[=<>~^])?${space}*${versionPattern}(${space}*,${space}*|${space}+)?`,
  'y',
)
const rangePattern = new RegExp(`(${versionPattern})${space}+-${space}+(${versionPattern})`, 'g')
const loosePattern = new RegExp(`^v?(\\d+)(?:\\.(\\d+))?(?:\\.(\\d+))?(?:-(${labels}))?(?:\\+${labels})?$`)

type Comparator = {
  readonly operator: string
  readonly version: semver.SemVer
  /** The first part that is missing or a wildcard. */
  readonly wildcard: 'major' | 'minor' | 'patch' | undefined
}

/** Comparators that all have to hold. */
type ComparatorGroup = { readonly comparators: readonly Comparator[]; readonly admitsPrereleases: boolean }

const parsedVersions = new LRUCache<string, { readonly version: semver.SemVer | undefined }>({ max: 2000 })
const parsedConstraints = new LRUCache<string, { readonly groups: readonly ComparatorGroup[] | undefined }>({
  max: 2000,
})

/** Whether a version satisfies a constraint. Where one of them is no semantic version, they have to be the same text. */
export function satisfiesConstraint(version: string, constraint: string): boolean {
  if (constraint === '') return true
  const parsed = version === '' ? undefined : parseLooseVersion(version)
  const groups = parsed && parseConstraint(constraint)
  if (!groups) return version !== '' && version === constraint
  return groups.some(({ comparators, admitsPrereleases }) => {
    if (parsed.prerelease.length > 0 && !admitsPrereleases) return false
    return comparators.every((comparator) => holds(parsed, comparator))
  })
}

/** Positive where `a` is the higher version. A semantic version is higher than any other text. */
export function compareOfferVersions(a: string, b: string): number {
  if (a === b) return 0
  const [first, second] = [parseLooseVersion(a), parseLooseVersion(b)]
  if (first && second) return first.compare(second)
  if (first) return 1
  if (second) return -1
  return a < b ? -1 : 1
}

/** Whether both texts are semantic versions. */
export function areVersions(a: string, b: string): boolean {
  return parseLooseVersion(a) !== undefined && parseLooseVersion(b) !== undefined
}

/** Parses `v1.2` and `01.2.3` too. */
function parseLooseVersion(text: string): semver.SemVer | undefined {
  let entry = parsedVersions.get(text)
  if (!entry) {
    const match = text.length > maxConstraintChars ? null : loosePattern.exec(text)
    entry = { version: match ? toVersion(match.slice(1, 4), match[4]) : undefined }
    parsedVersions.set(text, entry)
  }
  return entry.version
}

function toVersion(parts: readonly (string | undefined)[], prerelease: string | undefined): semver.SemVer | undefined {
  const [major, minor, patch] = [0, 1, 2].map((at) => (parts[at] ?? '0').replace(/^0+(?=\d)/, ''))
  return semver.parse(`${major}.${minor}.${patch}${prerelease === undefined ? '' : `-${prerelease}`}`) ?? undefined
}

function parseConstraint(text: string): readonly ComparatorGroup[] | undefined {
  let entry = parsedConstraints.get(text)
  if (!entry) {
    entry = { groups: text.length > maxConstraintChars ? undefined : parseGroups(text) }
    parsedConstraints.set(text, entry)
  }
  return entry.groups
}

function parseGroups(text: string): readonly ComparatorGroup[] | undefined {
  const groups: ComparatorGroup[] = []
  for (const segment of expandRanges(text).split('||')) {
    const comparators = parseComparators(segment)
    if (!comparators) return undefined
    groups.push({ comparators, admitsPrereleases: comparators.some(({ version }) => version.prerelease.length > 0) })
  }
  return groups
}

/** `1.2 - 2.3` means `>=1.2 <=2.3`. */
function expandRanges(text: string): string {
  return text.replaceAll(rangePattern, '>= $1, <= $6 ')
}

function parseComparators(segment: string): readonly Comparator[] | undefined {
  const comparators: Comparator[] = []
  for (let at = 0; at < segment.length;) {
    comparatorPattern.lastIndex = at
    const match = comparatorPattern.exec(segment)
    if (!match) return undefined
    at = comparatorPattern.lastIndex
    const separator = match[6]
    // A comparator follows a separator, and no comma ends a group.
    if (at < segment.length ? separator === undefined : separator?.includes(',')) return undefined
    const comparator = toComparator(match)
    if (!comparator) return undefined
    comparators.push(comparator)
  }
  return comparators.length > 0 ? comparators : undefined
}

function toComparator(match: readonly (string | undefined)[]): Comparator | undefined {
  const [, operator = '', major, minor, patch, prerelease] = match
  const wildcard = isWildcard(major) ? 'major' : isWildcard(minor) ? 'minor' : isWildcard(patch) ? 'patch' : undefined
  const known = wildcard === 'major' ? [] : wildcard === 'minor' ? [major] : [major, minor, wildcard ? '0' : patch]
  if (!known.every((one) => one === undefined || /^\d+$/.test(one))) return undefined
  const version = toVersion(known, prerelease)
  return version && { operator, version, wildcard }
}

function isWildcard(text: string | undefined): boolean {
  return text === undefined || text === 'x' || text === 'X' || text === '*'
}

function holds(version: semver.SemVer, comparator: Comparator): boolean {
  const { operator, version: bound, wildcard } = comparator
  const order = version.compare(bound)
  switch (operator) {
    case '!=':
      return differs(version, comparator)
    case '>':
      return isAbove(version, comparator)
    case '<':
      return order < 0
    case '>=':
    case '=>':
      return order >= 0
    case '<=':
    case '=<':
      return isAtMost(version, comparator)
    case '^':
      return isCompatible(version, comparator)
    case '~':
    case '~>':
      return isNear(version, comparator)
    default:
      return wildcard ? isNear(version, comparator) : order === 0
  }
}

function differs(version: semver.SemVer, { version: bound, wildcard }: Comparator): boolean {
  if (wildcard === undefined || wildcard === 'major') return version.compare(bound) !== 0
  if (version.major !== bound.major) return true
  if (wildcard === 'minor') return false
  if (version.minor !== bound.minor) return true
  return version.comparePre(bound) !== 0
}

function isAbove(version: semver.SemVer, { version: bound, wildcard }: Comparator): boolean {
  if (wildcard === undefined) return version.compare(bound) > 0
  if (version.major !== bound.major) return version.major > bound.major
  if (wildcard === 'minor') return false
  return wildcard === 'patch' ? version.minor > bound.minor : version.compare(bound) > 0
}

function isAtMost(version: semver.SemVer, { version: bound, wildcard }: Comparator): boolean {
  if (wildcard === undefined) return version.compare(bound) <= 0
  if (version.major !== bound.major) return version.major < bound.major
  return wildcard === 'minor' || version.minor <= bound.minor
}

function isNear(version: semver.SemVer, { version: bound, wildcard }: Comparator): boolean {
  if (version.compare(bound) < 0) return false
  const isZero = bound.major === 0 && bound.minor === 0 && bound.patch === 0
  if (isZero && (wildcard === undefined || wildcard === 'major')) return true
  return version.major === bound.major && (wildcard === 'minor' || version.minor === bound.minor)
}

function isCompatible(version: semver.SemVer, { version: bound, wildcard }: Comparator): boolean {
  if (version.compare(bound) < 0) return false
  if (bound.major > 0 || wildcard === 'minor') return version.major === bound.major
  if (version.major > 0) return false
  if (bound.minor > 0 || wildcard === 'patch') return version.minor === bound.minor
  return version.minor === 0 && version.patch === bound.patch
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nextVerdict, initialVerdict, type Verdict } from '../../../src/health/evaluation/verdict.ts'

const thresholds = { failures: 3, successes: 2 }

/** `p` is a passed probe, `f` a failed one. */
function after(pattern: string, limits = thresholds): Verdict[] {
  const verdicts: Verdict[] = []
  let verdict = initialVerdict
  for (const probe of pattern) verdicts.push((verdict = nextVerdict(verdict, probe === 'p', limits)))
  return verdicts
}

const initials = { pending: '-', healthy: 'H', degraded: 'D', unhealthy: 'U' }
const statuses = (pattern: string, limits = thresholds) =>
  after(pattern, limits)
    .map(({ status }) => initials[status])
    .join('')

/** Every pattern of one to eight probes. */
const patterns = Array.from({ length: 8 }, (_, index) => index + 1).flatMap((length) =>
  Array.from({ length: 2 ** length }, (_, bits) =>
    Array.from({ length }, (_, at) => ((bits >> at) & 1 ? 'p' : 'f')).join(''),
  ),
)

describe('verdict', () => {
  it('follows the table of probe results', () => {
    const table = {
      p: 'H',
      f: 'D',
      pf: 'HD',
      pff: 'HDD',
      pfff: 'HDDU',
      pffff: 'HDDUU',
      pfffp: 'HDDUU',
      pfffpp: 'HDDUUH',
      pfffpfpp: 'HDDUUUUH',
      pfp: 'HDD',
      pfpp: 'HDDH',
      fp: 'DH',
      ffp: 'DDH',
      fff: 'DDU',
      fffp: 'DDUU',
      fffpp: 'DDUUH',
      fpfp: 'DHDD',
      pfpfpfpf: 'HDDDDDDD',
    }
    for (const [pattern, expected] of Object.entries(table)) assert.equal(statuses(pattern), expected, pattern)
  })

  it('holds its invariants for every pattern of up to eight probes', () => {
    assert.equal(patterns.length, 510)
    for (const pattern of patterns) {
      const verdict = after(pattern).at(-1)
      assert.ok(verdict)
      const { status, failures, successes } = verdict
      assert.equal(failures, /f*$/.exec(pattern)?.[0].length, pattern)
      assert.equal(successes, /p*$/.exec(pattern)?.[0].length, pattern)
      if (pattern.endsWith('fff')) assert.equal(status, 'unhealthy', pattern)
      if (pattern.endsWith('pp') || /^p+$/.test(pattern)) assert.equal(status, 'healthy', pattern)
      if (pattern.endsWith('f')) assert.notEqual(status, 'healthy', pattern)
      if (!pattern.includes('fff')) assert.notEqual(status, 'unhealthy', pattern)
      if (status === 'unhealthy') assert.doesNotMatch(pattern.slice(pattern.lastIndexOf('fff')), /pp/, pattern)
    }
  })

  it('does not flap with a flapping target', () => {
    for (const start of ['pf', 'fp']) {
      const seen = statuses(start.repeat(50))
      const changes = seen.split('').filter((status, at) => at > 0 && status !== seen[at - 1]).length
      assert.ok(changes <= 2, `${changes} changes in ${seen}`)
    }
  })

  it('uses the configured thresholds', () => {
    assert.equal(statuses('pfp', { failures: 1, successes: 1 }), 'HUH')
    assert.equal(statuses('pffffpppp', { failures: 4, successes: 3 }), 'HDDDUUUHH')
  })
})

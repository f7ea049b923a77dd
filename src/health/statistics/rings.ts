import { Reason } from '../../model/health.ts'
import { addPercentiles, percentilesOf, timeCode, timeCodes } from './response-times.ts'

/** The windows of which every server has a ring of buckets. */
export const windowNames = ['1h', '24h', '7d'] as const
export type WindowName = (typeof windowNames)[number]

/** `first` is the slot of the ring in the arrays of all rings. */
export type RingLayout = { readonly minutes: number; readonly buckets: number; readonly first: number }

export const ringLayouts: Readonly<Record<WindowName, RingLayout>> = {
  '1h': { minutes: 1, buckets: 60, first: 0 },
  '24h': { minutes: 15, buckets: 96, first: 60 },
  '7d': { minutes: 60, buckets: 168, first: 156 },
}
const [hour, day, week] = [ringLayouts['1h'], ringLayouts['24h'], ringLayouts['7d']]
const layouts = [hour, day, week]
export const ringSlots = 324

/** Response times of one minute that are kept; a further one replaces any of them. */
const maxSamples = 32
/** Reasons with counts of their own; further ones share the last. */
const maxReasons = 4
const reasons = Reason.options
/** Stands for the reasons beyond the limit. */
const otherReason = reasons.length

/** Why probes failed: a reason, or `other` for the rarer ones of a server that fails for many. */
export type FailureReason = Reason | 'other'

/**
 * What the probes of one server showed in the last hour by minute, the last day by quarter of an hour, and the last week by hour.
 *
 * Plain data in typed arrays, since closures or objects for tens of thousands of servers would take several times the memory. Only
 * the functions of this folder write to it.
 */
export type Rings = {
  /** The newest minute since 1970. */
  head: number
  /** Number of response times of the newest minute. */
  sampled: number
  /** Whether the percentiles of the newest buckets are up to date. */
  isSealed: boolean
  /** Successful probes, by slot. */
  readonly ok: Uint16Array
  /** Codes of p50 by slot, then those of p95, then the samples of the newest minute. */
  readonly codes: Uint8Array
  /** Failed probes by slot, for each reason by its position; undefined before the first. */
  failures: Map<number, Uint16Array> | undefined
  /** Changes of the status by slot; undefined before the first. */
  flaps: Uint8Array | undefined
}

const p95At = ringSlots
const samplesAt = ringSlots * 2

export function createRings(minute: number): Rings {
  // One buffer for both: V8 takes a hundred bytes more for each.
  const buffer = new ArrayBuffer(ringSlots * 4 + maxSamples)
  const [ok, codes] = [new Uint16Array(buffer, 0, ringSlots), new Uint8Array(buffer, ringSlots * 2)]
  return { head: minute, sampled: 0, isSealed: true, ok, codes, failures: undefined, flaps: undefined }
}

/** Estimated bytes of memory, as measured. */
export function sizeOfRings({ failures, flaps }: Rings): number {
  return 1850 + (failures ? 200 + failures.size * 850 : 0) + (flaps ? 530 : 0)
}

export function failureReasonAt(position: number): FailureReason {
  return reasons[position] ?? 'other'
}

/** Counts a successful probe; without a response time where none was measured. */
export function countSuccess(rings: Rings, minute: number, responseMs?: number): void {
  advanceRings(rings, minute)
  increment(rings, rings.ok)
  if (responseMs === undefined) return
  const at = rings.sampled < maxSamples ? rings.sampled++ : Math.floor(Math.random() * maxSamples)
  rings.codes[samplesAt + at] = timeCode(responseMs)
  rings.isSealed = false
}

/** Counts a failed probe; under `other` where no reason is known. */
export function countFailure(rings: Rings, minute: number, reason: Reason | undefined): void {
  advanceRings(rings, minute)
  increment(rings, failuresOf(rings, reason ? reasons.indexOf(reason) : otherReason))
}

/** Counts a change of the status. */
export function countFlap(rings: Rings, minute: number): void {
  advanceRings(rings, minute)
  increment(rings, flapsOf(rings))
}

/** The counts of failures for the reason at a position. */
export function failuresOf(rings: Rings, position: number): Uint16Array {
  rings.failures ??= new Map()
  const existing = rings.failures.get(position)
  if (existing) return existing
  if (rings.failures.size >= maxReasons && position !== otherReason) return failuresOf(rings, otherReason)
  const counts = new Uint16Array(ringSlots)
  rings.failures.set(position, counts)
  return counts
}

export function flapsOf(rings: Rings): Uint8Array {
  return (rings.flaps ??= new Uint8Array(ringSlots))
}

/**
 * Makes `minute` the newest, with empty buckets in between. A clock that stepped back by up to two minutes counts into the newest
 * bucket; after more, the rings start over.
 */
export function advanceRings(rings: Rings, minute: number): void {
  const { head } = rings
  if (minute === head || (minute < head && head - minute <= 2)) return
  if (minute < head) for (const ring of layouts) clearNewest(rings, ring, minute, ring.buckets)
  else {
    sealMinute(rings)
    if (isLater(day, minute, head)) sealFrom(rings, day, hour)
    if (isLater(week, minute, head)) sealFrom(rings, week, day)
    for (const ring of layouts) {
      const passed = Math.floor(minute / ring.minutes) - Math.floor(head / ring.minutes)
      if (passed > 0) clearNewest(rings, ring, minute, passed)
    }
  }
  rings.sampled = 0
  rings.head = minute
}

/** Brings the percentiles of the newest buckets up to date, for a reader. */
export function sealRings(rings: Rings): void {
  if (rings.isSealed) return
  rings.isSealed = true
  sealMinute(rings)
  sealFrom(rings, day, hour)
  sealFrom(rings, week, day)
}

const isLater = ({ minutes }: RingLayout, minute: number, head: number) =>
  Math.floor(minute / minutes) > Math.floor(head / minutes)

const slotOf = ({ minutes, buckets, first }: RingLayout, minute: number) =>
  first + (Math.floor(minute / minutes) % buckets)

function sealMinute({ codes, sampled, head }: Rings): void {
  if (sampled === 0) return
  const slot = slotOf(hour, head)
  const samples = codes.subarray(samplesAt, samplesAt + sampled).sort() // oxlint-disable-line unicorn/no-array-sort -- in place
  codes[slot] = samples[Math.ceil(sampled * 0.5) - 1]!
  codes[p95At + slot] = samples[Math.ceil(sampled * 0.95) - 1]!
}

const histogram = new Float64Array(timeCodes)

/** The percentiles of the newest quarter of an hour come from those of its minutes, of the newest hour from its quarters. */
function sealFrom({ head, ok, codes }: Rings, coarse: RingLayout, fine: RingLayout): void {
  histogram.fill(0)
  for (let minute = head - (head % coarse.minutes); minute <= head; minute += fine.minutes) {
    const slot = slotOf(fine, minute)
    if (codes[slot]! > 0) addPercentiles(histogram, codes[slot]!, codes[p95At + slot]!, ok[slot]!)
  }
  const found = percentilesOf(histogram)
  if (!found) return
  const slot = slotOf(coarse, head)
  codes[slot] = found.p50
  codes[p95At + slot] = found.p95
}

/** Empties the newest buckets up to `minute`. */
function clearNewest({ ok, codes, failures, flaps }: Rings, ring: RingLayout, minute: number, passed: number): void {
  for (let back = Math.min(passed, ring.buckets) - 1; back >= 0; back -= 1) {
    const slot = slotOf(ring, minute - back * ring.minutes)
    ok[slot] = 0
    codes[slot] = 0
    codes[p95At + slot] = 0
    if (failures) for (const counts of failures.values()) counts[slot] = 0
    if (flaps) flaps[slot] = 0
  }
}

function increment({ head }: Rings, counts: Uint16Array | Uint8Array): void {
  const max = 256 ** counts.BYTES_PER_ELEMENT - 1
  for (const ring of layouts) {
    const slot = slotOf(ring, head)
    if (counts[slot]! < max) counts[slot]! += 1
  }
}

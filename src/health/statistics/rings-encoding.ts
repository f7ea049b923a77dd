import { advanceRings, createRings, failuresOf, flapsOf, type Rings, ringSlots, sealRings } from './rings.ts'

const version = 1
const headerBytes = 8
const countBytes = ringSlots * 2
const codeBytes = ringSlots * 2

/** The rings of a server and its last probes as text, for the store. */
export function encodeRings(rings: Rings, timeline: Buffer): string {
  sealRings(rings)
  const { head, ok, codes, failures, flaps } = rings
  const header = Buffer.alloc(headerBytes)
  header[0] = version
  header[1] = failures?.size ?? 0
  header[2] = flaps ? 1 : 0
  header.writeUInt32LE(head, 4)
  const parts: Uint8Array[] = [header, viewOf(ok), codes.subarray(0, codeBytes)]
  for (const [reason, counts] of failures ?? []) parts.push(Buffer.of(reason), viewOf(counts))
  if (flaps) parts.push(flaps)
  return Buffer.concat([...parts, timeline]).toString('base64')
}

/** The rings and the last probes of a stored text; undefined where this version cannot read it. */
export function decodeRings(text: string): { readonly rings: Rings; readonly timeline: Buffer } | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < headerBytes || bytes[0] !== version) return undefined
  const [reasons, hasFlaps] = [bytes[1]!, bytes[2]!]
  const timelineAt = headerBytes + countBytes + codeBytes + reasons * (countBytes + 1) + hasFlaps * ringSlots
  if (bytes.length < timelineAt || hasFlaps > 1) return undefined
  const rings = createRings(bytes.readUInt32LE(4))
  let at = headerBytes
  const take = (into: Uint8Array) => {
    into.set(bytes.subarray(at, at + into.length))
    at += into.length
  }
  take(viewOf(rings.ok))
  take(rings.codes.subarray(0, codeBytes))
  for (let reason = 0; reason < reasons; reason += 1) take(viewOf(failuresOf(rings, bytes[at++]!)))
  if (hasFlaps) take(flapsOf(rings))
  // A copy: the rest of the bytes can go.
  return { rings, timeline: Buffer.from(bytes.subarray(at)) }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Adds what was counted since the start to the stored rings. */
export function addRings(stored: Rings, since: Rings, minute: number): void {
  for (const rings of [stored, since]) {
    advanceRings(rings, minute)
    sealRings(rings)
  }
  for (let slot = 0; slot < ringSlots; slot += 1) {
    // Of two percentiles those of more probes count.
    if (since.codes[slot] === 0 || since.ok[slot]! < stored.ok[slot]!) continue
    stored.codes[slot] = since.codes[slot]!
    stored.codes[ringSlots + slot] = since.codes[ringSlots + slot]!
  }
  addCounts(stored.ok, since.ok)
  for (const [reason, counts] of since.failures ?? []) addCounts(failuresOf(stored, reason), counts)
  if (since.flaps) addCounts(flapsOf(stored), since.flaps)
}

function addCounts(into: Uint16Array | Uint8Array, from: Uint16Array | Uint8Array): void {
  const max = 256 ** into.BYTES_PER_ELEMENT - 1
  for (let slot = 0; slot < ringSlots; slot += 1) into[slot] = Math.min(into[slot]! + from[slot]!, max)
}

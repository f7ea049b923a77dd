/**
 * Estimates the bytes of memory of JSON data that is kept as an object and as encoded text: twice the length of a long text, and
 * up to twenty times that of many small parts.
 */
export function keptBytesOf(value: unknown): number {
  if (typeof value === 'string') return stringBytes + 2 * bytesOfText(value)
  if (typeof value !== 'object' || value === null) return scalarBytes
  let bytes = objectBytes
  if (Array.isArray(value)) {
    for (const item of value) bytes += slotBytes + keptBytesOf(item)
    return bytes
  }
  const fields = value as Readonly<Record<string, unknown>>
  for (const key in fields) bytes += propertyBytes + 2 * key.length + keptBytesOf(fields[key])
  return bytes
}

/** Bytes besides the characters of a text, the properties of an object and the items of a list, quotes and commas included. */
const stringBytes = 26
const scalarBytes = 12
const objectBytes = 58
const propertyBytes = 36
const slotBytes = 9

/** V8 keeps a text with a character beyond Latin-1 in two bytes for each. Short texts do not matter. */
function bytesOfText(text: string): number {
  return text.length > 64 && /[^\0-\xff]/.test(text) ? 2 * text.length : text.length
}

/** Decodes percent-encoded text; undefined where the encoding is invalid. */
export function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // Malformed escapes, or bytes that are not UTF-8.
  }
}

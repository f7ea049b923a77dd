/**
 * Frees bytes that nothing else needs. As garbage they would wait for a full collection: a burst of registrations left 23 MB
 * of them, and the process never gave that memory back.
 */
export function freeBytes({ buffer, length }: Buffer): void {
  if (length > 0 && buffer.byteLength === length && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Memory lent for one body. Whoever never gives it back leaves it to the garbage collector. */
export type Slab = { readonly room: (bytes: number) => Buffer; readonly release: () => void }

/**
 * Lends the same memory over and over to bodies that are sent once: what a stream of different long lists would leave
 * behind otherwise has the whole heap marked several times a second.
 */
export function createBufferPool({ slabBytes = 1024 * 1024, most = 4 } = {}) {
  const free: Buffer[] = []

  function lend(): Slab {
    const slab = free.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
    let lent = true
    return {
      room: (bytes) => (bytes <= slabBytes ? slab.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes)),
      release() {
        if (lent && free.length < most) free.push(slab)
        lent = false
      },
    }
  }

  return { lend }
}

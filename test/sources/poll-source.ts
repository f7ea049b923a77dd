import { createWakeSignal } from '../../src/flow/wake-signal.ts'
import type { Reading, Sighting, Source } from '../../src/model/source.ts'
import { identityOf } from '../../src/sources/documents/entry.ts'

/** A source at work: `next` is what it says next, `ask` asks it for a fresh look. Ends with its scope. */
export function start(source: Source) {
  const gone = new AbortController()
  const wake = createWakeSignal({ signal: gone.signal })
  const sightings = source({ signal: gone.signal, wake, push: () => {} })[Symbol.asyncIterator]()

  async function next(): Promise<readonly Reading[]> {
    const { value, done } = (await sightings.next()) as IteratorResult<Sighting, undefined>
    if (done || value.type !== 'picture') throw new Error(`no picture, but ${JSON.stringify(value)}`)
    return value.readings
  }

  async function ask(): Promise<readonly Reading[]> {
    wake.raise()
    return await next()
  }

  async function stop(): Promise<void> {
    gone.abort()
    await sightings.return?.()
  }

  return { next, ask, stop, [Symbol.asyncDispose]: stop }
}

export function namesIn(reading: Reading | undefined): unknown[] {
  if (!reading || 'error' in reading) throw new Error(`nothing read, but ${String(reading?.error)}`)
  return reading.entries.map((entry) => identityOf(entry).name)
}

export function errorIn(reading: Reading | undefined) {
  if (!reading || !('error' in reading)) throw new Error(`no error, but ${JSON.stringify(reading)}`)
  return reading.error
}

import { createWakeSignal } from '../../src/flow/wake-signal.ts'
import type { Reading, Sighting, Source } from '../../src/model/source.ts'
import { identityOf } from '../../src/sources/documents/entry.ts'

/** Runs a polling source: `next` returns its next readings, `ask` requests a refresh first. Stops with its scope. */
export function runSource(source: Source) {
  const controller = new AbortController()
  const wake = createWakeSignal({ signal: controller.signal })
  const sightings = source({ signal: controller.signal, wake, push: () => {} })[Symbol.asyncIterator]()

  async function next(): Promise<readonly Reading[]> {
    const { value, done } = (await sightings.next()) as IteratorResult<Sighting, undefined>
    if (done || value.type !== 'picture') throw new Error(`no picture, but ${JSON.stringify(value)}`)
    return value.readings
  }

  async function refresh(): Promise<readonly Reading[]> {
    wake.raise()
    return await next()
  }

  async function stop(): Promise<void> {
    controller.abort()
    await sightings.return?.()
  }

  return { next, refresh, stop, [Symbol.asyncDispose]: stop }
}

export function namesIn(reading: Reading | undefined): unknown[] {
  if (!reading || 'error' in reading) throw new Error(`nothing read, but ${String(reading?.error)}`)
  return reading.entries.map((entry) => identityOf(entry).name)
}

export function errorIn(reading: Reading | undefined) {
  if (!reading || !('error' in reading)) throw new Error(`no error, but ${JSON.stringify(reading)}`)
  return reading.error
}

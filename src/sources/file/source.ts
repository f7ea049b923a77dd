import { createDebounce } from '../../flow/debounce.ts'
import { joinWakeSignals } from '../../flow/wake-signal.ts'
import type { Log } from '../../log.ts'
import type { SourceRun, Sighting, Source } from '../../model/source.ts'
import { expandEntries } from '../documents/expand.ts'
import { placeOf } from './listing.ts'
import { mountedAlone } from './mounts.ts'
import { createScanner, type Scan, type ScannerOptions } from './scanner.ts'
import { watchDirectories } from './watch.ts'

const pollSeconds = 2
const soonSeconds = 0.1

/** Files that are told of by name. */
const mostTold = 10

type Options = Pick<ScannerOptions, 'recursive' | 'max_bytes' | 'max_total_bytes'> & {
  readonly paths: readonly string[]
  readonly expand: boolean
  readonly rescan: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** Shows what the files at `paths` hold, and again whenever that changes. */
export function watchFiles({ paths, expand, rescan, env, log, ...options }: Options): Source {
  const places = paths.map(placeOf)
  const bases = [...new Set(places.map(({ base }) => base))]
  const prepare: ScannerOptions['prepare'] = expand ? (entries) => expandEntries(entries, env) : (entries) => entries

  return async function* ({ signal, wake: asked }: SourceRun): AsyncGenerator<Sighting> {
    const wake = joinWakeSignals({ wake: asked, signal })
    const settle = createDebounce({ act: wake.raise })
    const looker = createScanner({ ...options, places, prepare })
    const watching = watchDirectories({
      poke: settle.poke,
      onTrouble: (error) =>
        log.warn({ err: error }, 'files cannot be watched, looking at them every few seconds instead'),
    })
    let lastThorough = 0
    let stuck: readonly string[] = []
    try {
      for (let first = true; !signal.aborted; first = false) {
        // A look at a change trusts the file system; the slow one, and one that was asked for, do not.
        const thorough = first || asked.raised() || performance.now() - lastThorough >= 1000 * rescan
        if (thorough) lastThorough = performance.now()
        wake.take()
        const look = await looker.look({ thorough, signal })
        if (signal.aborted) return
        const { directories, unsettled, unread } = look
        if (first) stuck = await stuckIn(look, log)
        if (!first) await watching.follow({ directories, bases, retry: thorough })
        yield sightingOf(look, { first, trouble: watching.trouble(), stuck })
        // The first answer is not kept waiting for the watches.
        if (first) await watching.follow({ directories, bases, retry: false })
        const isPolled = unread || watching.trouble() !== undefined
        await wake.wait(1000 * (unsettled ? soonSeconds : isPolled ? Math.min(pollSeconds, rescan) : rescan))
      }
    } finally {
      settle.close()
      watching.close()
    }
  }
}

/** Files whose updates never come, told once. */
async function stuckIn({ readings }: Scan, log: Log): Promise<readonly string[]> {
  const stuck = (await mountedAlone(readings.map(({ origin }) => origin))).slice(0, mostTold)
  if (stuck.length > 0)
    log.warn({ files: stuck }, 'files are mounted by themselves and may never change; mount their directories')
  return stuck
}

function sightingOf(
  { readings, changed, missing }: Scan,
  { first, trouble, stuck }: { first: boolean; trouble: string | undefined; stuck: readonly string[] },
): Sighting {
  const notes = missing.map((path) => `waiting for ${path}`)
  if (trouble) notes.push(`polling, the system has no file watch left to give (${trouble})`)
  for (const path of stuck)
    notes.push(`${path} is mounted by itself (a subPath?) and may never change: mount its directory instead`)
  const note = notes.length > 0 && { note: notes.join('; ') }
  return first || changed ? { type: 'picture', readings, ...note } : { type: 'alive', ...note }
}

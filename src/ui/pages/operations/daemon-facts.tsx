import { useEffect, useState } from 'preact/hooks'
import { requestText } from '../../data/api.ts'
import { usePolled } from '../../data/polled.ts'
import { type Fact, FactList } from '../../parts/fact-list.tsx'
import { shortDuration } from '../../parts/time.tsx'
import { operationsTexts as texts } from '../../texts/operations.ts'

export type HealthFacts = {
  readonly status: string
  readonly name: string
  readonly version: string
  readonly uptime_seconds: number
  readonly store?: 'down'
  readonly warnings?: readonly string[]
  readonly suspicion?: { readonly remedy: string }
}
type Readiness = { readonly ready: boolean; readonly instance_id: string; readonly syncing: readonly string[] }

/** How the daemon is, in figures. */
export function DaemonFacts({ health }: { readonly health: HealthFacts | undefined }) {
  const { value: ready } = usePolled<Readiness>('ready')
  const figures = useFigures()
  const { facts } = texts
  if (!health) return null
  const figure = (name: string) => figures.get(name)?.toLocaleString('en')
  const memory = figures.get('process_resident_memory_bytes')
  const shown: readonly Fact[] = [
    [facts.name, health.name],
    [facts.version, health.version],
    [facts.uptime, shortDuration(health.uptime_seconds * 1000)],
    [facts.status, health.status],
    [facts.ready, ready && (ready.ready ? texts.yes : texts.waiting(ready.syncing.join(', ')))],
    [facts.instance, ready?.instance_id],
    [facts.store, health.store === 'down' ? texts.down : texts.up],
    [facts.watchers, figure('roster_watchers')],
    [facts.connections, figure('roster_http_connections')],
    [facts.probes, figure('roster_probes_in_flight')],
    [facts.events, figure('roster_events_total')],
    [facts.memory, memory !== undefined && `${Math.round(memory / 1_000_000).toLocaleString('en')} MB`],
  ]
  return (
    <>
      <FactList facts={shown} />
      {health.warnings && (
        <>
          <h3>{texts.warnings}</h3>
          <ul>
            {health.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

/** Pause between two readings of the metrics, in ms. */
const figuresMs = 10_000

/** The metrics without labels, by name. Empty where they are disabled. */
function useFigures(): ReadonlyMap<string, number> {
  const [figures, setFigures] = useState<ReadonlyMap<string, number>>(new Map())
  useEffect(() => {
    const stopping = new AbortController()
    const read = () =>
      requestText('metrics/prometheus', { signal: stopping.signal }).then(
        (text) => setFigures(figuresIn(text)),
        () => undefined,
      )
    void read()
    const timer = setInterval(() => void (document.hidden || read()), figuresMs)
    return () => {
      stopping.abort()
      clearInterval(timer)
    }
  }, [])
  return figures
}

function figuresIn(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^([a-z_]+) ([\d.e+]+)$/gim)].map(([, name = '', value]) => [name, Number(value)]))
}

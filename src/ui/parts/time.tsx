import { signal } from '@preact/signals'
import { clockOffset } from '../data/daemon-clock.ts'

/** The time of the daemon, in ms since 1970. Moves once a second, while anything shows a time. */
export const clock = signal(Date.now())
const move = () => void (clock.value = Date.now() + clockOffset.peek())
setInterval(() => !document.hidden && move(), 1000)
clockOffset.subscribe(move)

const steps: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** A duration in its largest unit: `3 min`. */
export function shortDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const [size, unit] = steps.find(([step]) => seconds >= step) ?? [1, 's']
  return `${Math.floor(seconds / size)} ${unit}`
}

/** A time relative to now; the absolute one on hover. `at`: ms since 1970 or RFC 3339. */
export function Ago({ at, suffix = ' ago' }: { readonly at: number | string; readonly suffix?: string }) {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  if (Number.isNaN(ms)) return null
  const date = new Date(ms)
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {shortDuration(clock.value - ms)}
      {suffix}
    </time>
  )
}

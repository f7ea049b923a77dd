/** Load generator where wrk is absent: reads the requests from the given file and prints its result as JSON. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

type GeneratorOptions = {
  url: string
  seconds: number
  connections?: number
  headers?: Record<string, string>
  paths?: string[]
  bodies?: string[]
}
type Result = {
  requests: { total: number }
  throughput: { total: number }
  latency: { p50: number; p99: number }
  duration: number
  errors: number
  timeouts: number
  non2xx: number
}
type Request = { method: string; path?: string; body?: string; headers?: Record<string, string> }

const autocannon = createRequire(import.meta.url)('autocannon') as (options: object) => Promise<Result>
const {
  url,
  seconds,
  connections = 32,
  headers,
  paths,
  bodies,
} = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GeneratorOptions

const requests: Request[] | undefined =
  paths?.map((path) => ({ method: 'GET', path })) ??
  bodies?.map((body) => ({
    method: 'POST',
    path: new URL(url).pathname,
    body,
    headers: { 'content-type': 'application/json' },
  }))

const {
  requests: sent,
  throughput,
  latency,
  duration,
  errors,
  timeouts,
  non2xx,
} = await autocannon({
  url,
  connections,
  duration: seconds,
  headers,
  ...(requests && { requests }),
})
process.stdout.write(
  JSON.stringify({
    requests: sent.total,
    bytes: throughput.total,
    seconds: duration,
    failed: errors + timeouts + non2xx,
    p50: latency.p50,
    p99: latency.p99,
  }),
)

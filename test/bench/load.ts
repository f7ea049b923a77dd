import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type LoadOptions = {
  readonly connections?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Paths requested one after another, instead of the path of the URL. */
  readonly paths?: readonly string[]
  /** JSON bodies posted one after another. */
  readonly bodies?: readonly string[]
}

/** Result of a load generator: responses per second and in all, bytes per response, p50 and p99 in ms. */
export type Load = {
  readonly rate: number
  readonly requests: number
  readonly bytesEach: number
  readonly p50: number
  readonly p99: number
}

/** Output of every generator. `failed` counts responses other than 2xx and broken connections. */
type LoadResult = { requests: number; bytes: number; seconds: number; failed: number; p50: number; p99: number }

const wrkBin = ['/usr/bin/wrk', '/usr/local/bin/wrk'].find((path) => existsSync(path))

/** Sends requests for `seconds` from a separate process; any response other than 2xx fails the run. */
export async function load(
  url: string,
  { seconds, folder, ...options }: LoadOptions & { seconds: number; folder: string },
): Promise<Load> {
  const result = wrkBin
    ? await wrk(wrkBin, url, { seconds, folder, ...options })
    : await autocannon(url, { seconds, folder, ...options })
  if (result.failed > 0) throw new Error(`${url}: ${result.failed} of ${result.requests} responses were not 2xx`)
  if (result.requests === 0) throw new Error(`${url}: no response`)
  const { requests, bytes, seconds: took, p50, p99 } = result
  return { rate: requests / took, requests, bytesEach: bytes / requests, p50, p99 }
}

type GeneratorOptions = LoadOptions & { readonly seconds: number; readonly folder: string }

async function wrk(bin: string, url: string, options: GeneratorOptions): Promise<LoadResult> {
  const { seconds, folder, connections = 32, headers = {}, paths, bodies } = options
  const script = join(folder, 'wrk.lua')
  const lines = paths ?? bodies
  if (lines) writeFileSync(join(folder, 'lines'), lines.join('\n'))
  writeFileSync(script, `${lines ? sendingLines(join(folder, 'lines'), bodies ? 'POST' : 'GET', url) : ''}${luaReport}`)
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', ...sent, '-s', script, url]
  const { stdout } = await run(bin, args)
  return JSON.parse(/^result (.*)$/m.exec(stdout)?.[1] ?? '') as LoadResult
}

/** Requests serialized before the run, so that many cost the generator no more than one. */
function sendingLines(file: string, method: 'GET' | 'POST', url: string): string {
  const path = new URL(url).pathname
  const made =
    method === 'GET'
      ? "wrk.format('GET', line)"
      : `wrk.format('POST', '${path}', {['content-type'] = 'application/json'}, line)`
  return `
local requests, at = {}, 0
function init()
  for line in io.lines('${file}') do requests[#requests + 1] = ${made} end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
`
}

const luaReport = `
function done(summary, latency)
  local e = summary.errors
  print(string.format(
    'result {"requests":%d,"bytes":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f}',
    summary.requests, summary.bytes, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000
  ))
end
`

async function autocannon(url: string, options: GeneratorOptions): Promise<LoadResult> {
  const input = join(options.folder, 'autocannon.json')
  writeFileSync(input, JSON.stringify({ url, ...options }))
  const { stdout } = await run(process.execPath, ['test/bench/peers/autocannon.ts', input], { maxBuffer: 1e8 })
  return JSON.parse(stdout) as LoadResult
}

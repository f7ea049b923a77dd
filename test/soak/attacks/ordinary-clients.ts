import { Agent, get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, Worker, workerData } from 'node:worker_threads'

/** Pause between two requests of a client. */
const pauseMs = 100

/**
 * Clients that poll `/servers` on a thread of their own, so that the work of the attackers is not measured.
 *
 * `take` returns the times of the answers since the last call in milliseconds; a failed request counts as infinite.
 */
export function startOrdinaryClients(url: string, count: number) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { url, count } })
  return {
    take: () =>
      new Promise<readonly number[]>((resolve) => {
        worker.once('message', resolve)
        worker.postMessage('take', [])
      }),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  }
}

async function poll(url: string, times: number[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (;;) {
    const began = performance.now()
    const answered = await new Promise<boolean>((resolve) => {
      get(`${url}/servers`, { agent }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode === 200))
        response.on('error', () => resolve(false))
      }).on('error', () => resolve(false))
    })
    times.push(answered ? performance.now() - began : Infinity)
    await pause(pauseMs)
  }
}

if (parentPort && workerData) {
  const { url, count } = workerData as { url: string; count: number }
  const times: number[] = []
  parentPort.on('message', () => parentPort?.postMessage(times.splice(0), []))
  for (let client = 0; client < count; client += 1) void poll(url, times)
}

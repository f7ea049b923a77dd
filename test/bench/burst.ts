import { Pool } from 'undici'

export type Request = { readonly method: 'POST' | 'PUT' | 'GET'; readonly path: string; readonly body?: string }

/** Sends every request once, in order, `connections` at a time; returns their durations. Throws for a response other than 2xx. */
export async function sendAll(
  url: string,
  requests: readonly Request[],
  { connections = 64 } = {},
): Promise<{ ms: number; each: number[] }> {
  const pool = new Pool(url, { connections })
  const each: number[] = []
  let next = 0

  async function work(): Promise<void> {
    for (let request = requests[next++]; request; request = requests[next++]) {
      const begun = performance.now()
      const { statusCode, body } = await pool.request({
        path: request.path,
        method: request.method,
        ...(request.body !== undefined && {
          body: request.body,
          headers: { 'content-type': 'application/json' },
        }),
      })
      const bytes = await body.arrayBuffer()
      each.push(performance.now() - begun)
      if (statusCode >= 300) throw new Error(`${request.path} answered ${statusCode}: ${Buffer.from(bytes).toString()}`)
    }
  }

  const begun = performance.now()
  try {
    await Promise.all(Array.from({ length: connections }, work))
  } finally {
    await pool.close()
  }
  return { ms: performance.now() - begun, each }
}

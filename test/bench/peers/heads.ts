/** A client in a separate process that sends HEAD requests without a body, each connection one after another. */
import { connect } from 'node:net'

type HeadRequest = { url: string; paths: string[]; connections: number; seconds: number }

process.on('message', ({ url, paths, connections, seconds }: HeadRequest) => {
  const { hostname, port } = new URL(url)
  const requests = paths.map((path) => `HEAD ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`)
  const statuses: Record<string, number> = {}
  let next = 0
  let isOver = false

  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      let rest = ''
      const send = () => void socket.write(requests[next++ % requests.length] ?? '')
      socket.setNoDelay(true)
      socket.once('connect', send)
      socket.once('error', reject)
      socket.once('close', resolve)
      socket.on('data', (chunk: Buffer) => {
        rest += chunk.toString('latin1')
        if (!rest.endsWith('\r\n\r\n')) return
        const status = rest.slice(9, 12)
        statuses[status] = (statuses[status] ?? 0) + 1
        rest = ''
        if (isOver) socket.destroy()
        else send()
      })
    })

  const begun = performance.now()
  setTimeout(() => (isOver = true), seconds * 1000)
  Promise.all(Array.from({ length: connections }, one))
    .then(() => process.send?.({ statuses, seconds: (performance.now() - begun) / 1000 }))
    .catch((error: unknown) => process.send?.({ error: String(error) }))
})

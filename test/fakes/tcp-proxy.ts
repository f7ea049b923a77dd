import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export type TcpProxy = Awaited<ReturnType<typeof startTcpProxy>>

type Pair = { readonly client: Socket; readonly server: Socket; isFrozen: boolean }

/** A proxy on a free loopback port that a test can cut, freeze, slow down or lead to another server. */
export async function startTcpProxy(port: number) {
  const pairs = new Set<Pair>()
  let target = port
  let state: 'open' | 'closed' | 'frozen' = 'open'
  let delayMs = 0
  let connections = 0
  const listener = createServer((client) => {
    if (state === 'closed') {
      client.destroy()
      return
    }
    connections += 1
    const pair: Pair = { client, server: connect(target, '127.0.0.1'), isFrozen: state === 'frozen' }
    pairs.add(pair)
    forward(pair, pair.client, pair.server)
    forward(pair, pair.server, pair.client)
  })

  function forward(pair: Pair, from: Socket, to: Socket): void {
    let last = Promise.resolve()
    from.setNoDelay(true)
    from.on('data', (bytes: Buffer) => {
      last = last.then(async () => {
        if (delayMs > 0) await pause(delayMs)
        // A frozen connection swallows what is sent, as a network that lost the other end does.
        if (!pair.isFrozen && !to.destroyed) to.write(bytes)
      })
    })
    from.on('error', () => {})
    from.on('close', () => {
      if (pair.isFrozen) return
      pairs.delete(pair)
      void last.then(() => to.destroy())
    })
  }

  function cut(some: Iterable<Pair> = pairs): void {
    for (const pair of some) {
      pair.client.destroy()
      pair.server.destroy()
      pairs.delete(pair)
    }
  }

  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    /** Connections accepted so far. */
    connections: () => connections,
    /** Closes all connections, and refuses further ones until `open`. */
    close: () => {
      state = 'closed'
      cut()
    },
    /** Half-open: the present connections fall silent, and with `andNew` further ones too, until `open`. */
    freeze: ({ andNew = false }: { andNew?: boolean } = {}) => {
      if (andNew) state = 'frozen'
      for (const pair of pairs) pair.isFrozen = true
    },
    /** Forwards again; frozen connections are closed. */
    open: () => {
      state = 'open'
      cut([...pairs].filter(({ isFrozen }) => isFrozen))
    },
    /** Delays whatever is sent, in each direction. */
    delay: (ms: number) => void (delayMs = ms),
    /** Leads to another server; the present connections are closed. */
    swap: (to: number) => {
      target = to
      cut()
    },
    [Symbol.asyncDispose]: async () => {
      listener.close()
      cut()
      await once(listener, 'close')
    },
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** The response that is being answered on a connection, or was last. */
const currentResponse = Symbol('currentResponse')
export type Connection = Socket & { [currentResponse]?: ServerResponse }

export function currentResponseOf(connection: Connection): ServerResponse | undefined {
  return connection[currentResponse]
}

/** Requests that may wait on all connections together; each takes about 5 kB. One read of a socket can bring 1,400. */
const maxWaiting = 10_000
/** What is left after the longest queues were cut, so that the next request does not sort them again. */
const keptWaiting = maxWaiting * (7 / 8)

/**
 * Handles the requests of each connection in turn: one that arrives before the response to the last one is written out waits,
 * and its connection is not read until then.
 *
 * Node emits all requests of a connection at once and keeps their responses: 1,000 pipelined requests of a client that reads
 * nothing took 2 GB, and as many watches the places of other clients. Without pipelining it costs nothing measurable.
 */
export function createRequestQueues() {
  const queues = new Map<Connection, (() => void)[]>()
  let waiting = 0

  function inTurn(handle: Handle): Handle {
    return (request, response) => {
      const connection: Connection = request.socket
      const { [currentResponse]: current } = connection
      if (isDone(current) && (queues.size === 0 || !queues.has(connection))) {
        connection[currentResponse] = response
        return handle(request, response)
      }
      enqueue(connection, () => {
        connection[currentResponse] = response
        handle(request, response)
      })
    }
  }

  function enqueue(connection: Connection, turn: () => void): void {
    const queue = queues.get(connection) ?? openQueue(connection)
    queue.push(turn)
    waiting += 1
    connection.pause()
    if (waiting > maxWaiting) cutLongest()
  }

  function openQueue(connection: Connection): (() => void)[] {
    const queue: (() => void)[] = []
    queues.set(connection, queue)
    // Node resumes a connection by itself, once its client has read what was written.
    const hold = () => void connection.pause()
    connection.on('resume', hold)
    connection.once('close', drop)
    connection[currentResponse]?.once('close', next)

    function next(): void {
      const turn = queue.shift()
      if (!turn) return
      waiting -= 1
      if (queue.length === 0) release()
      turn()
      if (queue.length > 0) connection[currentResponse]?.once('close', next)
    }

    /** The next request is the last that has arrived: its body may still be read, and further requests. */
    function release(): void {
      queues.delete(connection)
      connection.off('resume', hold)
      connection.off('close', drop)
      connection.resume()
    }

    function drop(): void {
      waiting -= queue.length
      queue.length = 0
      queues.delete(connection)
    }

    return queue
  }

  /** Ends the connections with the most waiting requests: those of other clients go on. */
  function cutLongest(): void {
    const longestFirst = [...queues].toSorted(([, one], [, other]) => other.length - one.length)
    let left = waiting
    for (const [connection, queue] of longestFirst) {
      if (left <= keptWaiting) return
      left -= queue.length
      connection.destroy()
    }
  }

  return { inTurn }
}

function isDone(response: ServerResponse | undefined): boolean {
  return response === undefined || response.writableFinished || response.destroyed
}

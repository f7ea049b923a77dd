/**
 * Thousands of readers of one stream in a separate process: `open` opens them, `push` sends one change and returns the time until
 * each reader has received it.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'

type WatcherCommand =
  | { type: 'open'; url: string; path: string; many: number; greeting: string }
  | { type: 'push'; method: 'PUT' | 'POST'; url: string; body: string; marker: string }
  | { type: 'close' }

const perBatch = 200
const maxPushMs = 60_000
const readers: Socket[] = []
/** One shared buffer for all readers: keeps the cost of reading out of the measurement. */
const chunk = Buffer.allocUnsafeSlow(64 * 1024)
let broken = 0
let expected: { marker: string; begun: number; left: number; each: number[]; done: () => void } | undefined
let waiting: { word: string; left: number; done: () => void } | undefined

function read(reader: { tail: string }, bytes: number): void {
  const wanted = expected?.marker ?? waiting?.word
  if (wanted === undefined) return void (reader.tail = '')
  const text = reader.tail + chunk.toString('latin1', 0, bytes)
  // A chunk may end inside the marker.
  if (!text.includes(wanted)) return void (reader.tail = text.slice(-wanted.length))
  reader.tail = ''
  const one = expected ?? waiting
  if (!one) return
  if (expected?.each.length === 0) setImmediate(readInGulps)
  expected?.each.push(performance.now() - expected.begun)
  one.left -= 1
  if (one.left === 0) one.done()
}

const never = new Int32Array(new SharedArrayBuffer(4))

/**
 * Polls the readers once a millisecond during a push. Waiting for each would wake this process per reader, at the writer's expense
 * on a shared machine; readers on other machines cost the writer nothing.
 */
function readInGulps(): void {
  if (!expected) return
  Atomics.wait(never, 0, 0, 1)
  setImmediate(readInGulps)
}

async function open({ url, path, many, greeting }: Extract<WatcherCommand, { type: 'open' }>): Promise<object> {
  const { hostname, port } = new URL(url)
  for (let opened = 0; opened < many; opened += perBatch) {
    const batch = Math.min(perBatch, many - opened)
    await within(
      new Promise<void>((done) => {
        waiting = { word: greeting, left: batch, done }
        for (let at = 0; at < batch; at += 1) openOne(hostname, Number(port), path)
      }),
      `${batch} readers`,
    )
    waiting = undefined
  }
  return { opened: readers.length }
}

function openOne(host: string, port: number, path: string): void {
  const state = { tail: '' }
  const callback = (bytes: number): boolean => (read(state, bytes), true)
  const socket: Socket = connect({ port, host, onread: { buffer: chunk, callback } }, () =>
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`),
  )
  readers.push(socket)
  socket.on('error', () => {}) // `close` follows and reports it
  socket.on('close', () => (broken += 1))
}

async function push({ method, url, body, marker }: Extract<WatcherCommand, { type: 'push' }>): Promise<object> {
  const each: number[] = []
  await within(
    new Promise<void>((done, fail) => {
      expected = { marker, begun: performance.now(), left: readers.length, each, done }
      request(url, { method, body, headers: { 'content-type': 'application/json' } })
        .then(async ({ statusCode, body: answer }) => {
          const text = await answer.text()
          if (statusCode >= 300) fail(new Error(`${url} answered ${statusCode}: ${text}`))
        })
        .catch(fail)
    }),
    `a change, ${readers.length} readers`,
  )
  expected = undefined
  if (broken > 0) throw new Error(`${broken} readers were cut`)
  return { each }
}

async function within(what: Promise<void>, name: string): Promise<void> {
  const late = new AbortController()
  const tooLate = pause(maxPushMs, undefined, { signal: late.signal }).then(
    () => {
      const left = expected?.left ?? waiting?.left
      throw new Error(`${name}: ${left} received nothing within ${maxPushMs} ms, ${broken} were cut`)
    },
    () => {}, // it was in time
  )
  await Promise.race([what, tooLate]).finally(() => late.abort())
}

async function close(): Promise<object> {
  const closed = Promise.all(readers.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  for (const socket of readers) socket.destroy()
  await closed
  readers.length = 0
  broken = 0
  return {}
}

process.on('message', (command: WatcherCommand) => {
  const done = command.type === 'open' ? open(command) : command.type === 'push' ? push(command) : close()
  done.then((answer) => process.send?.(answer)).catch((error: unknown) => process.send?.({ error: String(error) }))
})

import { setTimeout as pause } from 'node:timers/promises'
import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import * as z from 'zod'
import { cachedTimestamp } from './flow/clock.ts'
import { mapValues } from './model/data/map-values.ts'
import { Redacted } from './model/redaction/redact-reason.ts'
import { redactText } from './model/redaction/redact-text.ts'
import { redactValue } from './model/redaction/redact.ts'

/** A structured log: static messages with fields; children add fields to every line. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child: (fields: Record<string, unknown>) => Log
}

export const LogLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
export type LogLevel = z.output<typeof LogLevel>

/** Level and format of the log. */
export const LogConfig = z.strictObject({
  level: LogLevel.default('info').describe('Minimum level of a logged line.'),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('`auto`: readable text on a terminal, JSON elsewhere. Read at start only.'),
  access: z.boolean().default(false).describe('Log one line for each request.'),
})
export type LogConfig = z.output<typeof LogConfig>

/** The parent of all logs. Its level can change at run time, and applies to its children. */
export type RootLog = Log & { readonly setLevel: (level: LogLevel) => void }

export function createLog({
  level = 'info',
  destination,
}: { level?: LogLevel; destination?: DestinationStream } = {}): RootLog {
  const root = pino({ ...options, level }, destination)
  const prototype = Object.getPrototypeOf(root) as Logger
  // Children inherit this method. The formatters of pino see only the fields of the root.
  root.child = function childOf(this: Logger, fields: object, more?: object) {
    return prototype.child.call(this, redactedFields({ ...fields }), more)
  } as Logger['child']
  const setLevel = (next: LogLevel): void => {
    root.level = next
  }
  return Object.assign(root as Log, { setLevel })
}

/** Removes from every line what is, or looks like, a secret. */
const options: LoggerOptions = {
  base: null,
  timestamp: () => `,"time":"${cachedTimestamp()}"`,
  formatters: { level: (label) => ({ level: label }), log: redactedFields },
  serializers: { err: redactedError },
  hooks: {
    logMethod(args, method) {
      const [first, ...others] = args as readonly unknown[]
      // Without a message, pino would take that of the error, unredacted.
      const rest = others.length === 0 ? messageOf(first) : others
      const redacted = [first, ...rest].map((one) => (typeof one === 'string' ? redactText(one) : one))
      method.apply(this, redacted as typeof args)
    },
  },
}

function messageOf(first: unknown): string[] {
  if (first instanceof Error) return [first.message]
  const error = typeof first === 'object' && first !== null && 'err' in first ? first.err : undefined
  return error instanceof Error ? [error.message] : []
}

/** The error in `err` is left to its serializer, which redacts message and stack too. */
function redactedFields(fields: Record<string, unknown>): Record<string, unknown> {
  return mapValues(fields, (value, key) => {
    if (value instanceof Redacted) return value.value
    if (value instanceof Error) return key === 'err' ? value : redactedError(value)
    return redactValue(value, key)
  })
}

function redactedError(error: unknown): unknown {
  return redactValue(error instanceof Error ? { ...pino.stdSerializers.err(error) } : error)
}

export type Destination = DestinationStream & AsyncDisposable

/** Opens the output of the log: JSON, or readable text, in colour where the terminal supports it. */
export async function openDestination({
  format,
  terminal,
  colour,
}: {
  format: LogConfig['format']
  terminal: boolean
  colour: boolean
}): Promise<Destination> {
  if (format === 'json' || (format === 'auto' && !terminal)) return standardOutput()
  // The default export: in the bundle, a CommonJS package has no named ones.
  const { default: pretty } = await import('pino-pretty')
  const stream = pretty({
    colorize: colour,
    sync: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    singleLine: true,
    destination: 1,
  })
  return Object.assign(stream, { [Symbol.asyncDispose]: async () => {} })
}

/** Maximum bytes of lines that wait for a slow reader; further lines are dropped and counted. */
const maxBufferBytes = 16 * 1024 * 1024

/** Maximum time that the end of the process waits for a reader of the last lines. */
const maxFlushMs = 2000

/**
 * Writes in the background, several lines at a time, so that a slow reader of the log does not block the daemon. At the
 * end, buffered lines are written before the process exits.
 */
function standardOutput(): Destination {
  let dropped = 0
  let isWriting = false
  let failing = false
  let flushDeadline = Infinity
  const retryEAGAIN = () => performance.now() < flushDeadline
  const output = pino.destination({ dest: 1, sync: false, maxLength: maxBufferBytes, retryEAGAIN })

  /** Lines of this turn of the event loop: one write costs as much as ten lines. */
  let lines: string[] = []
  let ended = false

  function write(line: string): void {
    if (ended) return
    if (lines.push(line) === 1) setImmediate(flush)
  }

  function flush(): void {
    if (lines.length === 0) return
    const text = lines.join('')
    lines = []
    isWriting = true
    output.write(text)
  }

  // A log that cannot be written does not stop the daemon. The next line is tried again.
  output.on('error', () => {
    isWriting = false
    failing = true
  })
  output.on('drop', (text: string) => (dropped += text.split('\n').length - 1))
  output.on('drain', () => {
    isWriting = false
    failing = false
    if (dropped === 0) return
    const msg = 'log lines dropped: the reader was too slow'
    write(`${JSON.stringify({ level: 'warn', time: cachedTimestamp(), dropped, msg })}\n`)
    dropped = 0
  })
  // For an exit without disposal; the wait for the reader is bounded.
  process.prependOnceListener('exit', () => {
    flushDeadline = performance.now() + maxFlushMs
    flush()
    if (failing) output.destroy() // It would retry the remaining lines without end.
  })
  return {
    write,
    [Symbol.asyncDispose]: async () => {
      flush()
      if (isWriting) await flushed()
      flushDeadline = 0
      ended = true
      output.destroy()
    },
  }

  /** Resolves when the buffer is written, cannot be written, or the deadline passed. */
  async function flushed(): Promise<void> {
    const timeout = new AbortController()
    const events = ['drain', 'error'].map((event) => new Promise((resolve) => output.once(event, resolve)))
    await Promise.race([...events, pause(maxFlushMs, undefined, { signal: timeout.signal }).catch(() => {})])
    timeout.abort()
  }
}

/** Logs nothing; for tests and one-shot commands. */
export const silent: Log = createLog({ level: 'silent' })

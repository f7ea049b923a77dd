import { setTimeout as pause } from 'node:timers/promises'
import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import * as z from 'zod'
import { cachedTimestamp } from './flow/clock.ts'
import { mapValues } from './model/map-values.ts'
import { redactText } from './model/redaction/redact-text.ts'
import { redactValue } from './model/redaction/redact.ts'

/** What parts ask of a log: static messages, fields beside them, children that carry a field on. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child: (fields: Record<string, unknown>) => Log
}

export const LogLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
export type LogLevel = z.output<typeof LogLevel>

/** What is logged, and how it looks. */
export const LogConfig = z.strictObject({
  level: LogLevel.default('info').describe('The least that is worth a line.'),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('`auto`: for people on a terminal, JSON elsewhere. Taken at start only.'),
  access: z.boolean().default(false).describe('One line for every request.'),
})
export type LogConfig = z.output<typeof LogConfig>

/** The log all others are children of; its level can change while it runs, and theirs follow. */
export type RootLog = Log & { readonly setLevel: (level: LogLevel) => void }

export function createLog({
  level = 'info',
  destination,
}: { level?: LogLevel; destination?: DestinationStream } = {}): RootLog {
  const root = pino({ ...options, level }, destination)
  const plain = Object.getPrototypeOf(root) as Logger
  // Children inherit this, as they do the level; pino's own formatters see the fields of the root only.
  root.child = function childOf(this: Logger, fields: object, more?: object) {
    return plain.child.call(this, shownFields({ ...fields }), more)
  } as Logger['child']
  const setLevel = (next: LogLevel): void => {
    root.level = next
  }
  return Object.assign(root as Log, { setLevel })
}

/** Whatever a line is given, what is or looks like a secret is not in it. */
const options: LoggerOptions = {
  base: null,
  timestamp: () => `,"time":"${cachedTimestamp()}"`,
  formatters: { level: (label) => ({ level: label }), log: shownFields },
  serializers: { err: shownError },
  hooks: {
    logMethod(given, method) {
      const [first, ...others] = given as readonly unknown[]
      // Of an error without a message pino takes the error's own, past everything below.
      const rest = others.length === 0 ? messageOf(first) : others
      const shown = [first, ...rest].map((one) => (typeof one === 'string' ? redactText(one) : one))
      method.apply(this, shown as typeof given)
    },
  },
}

function messageOf(first: unknown): string[] {
  if (first instanceof Error) return [first.message]
  const held = typeof first === 'object' && first !== null && 'err' in first ? first.err : undefined
  return held instanceof Error ? [held.message] : []
}

/** Errors are left to their own serializer, which sees their message and stack too. */
function shownFields(fields: Record<string, unknown>): Record<string, unknown> {
  return mapValues(fields, (value, key) => {
    if (value instanceof Error) return key === 'err' ? value : shownError(value)
    return redactValue(value, key)
  })
}

function shownError(error: unknown): unknown {
  return redactValue(error instanceof Error ? { ...pino.stdSerializers.err(error) } : error)
}

export type Destination = DestinationStream & AsyncDisposable

/** Where lines go: standard output as JSON, or for people, in colour where the terminal has any. */
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
  // By its default: the bundle knows no other name of a CommonJS package.
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

/** So many bytes of lines wait for a slow reader; what comes on top is dropped and counted. */
const mostWaiting = 16 * 1024 * 1024

/** So long the end of the process waits for a reader of its last lines. */
const lastMs = 2000

/**
 * Writes in the background, what came meanwhile together: whoever reads the log slowly, or not at all, holds nobody up.
 * What still waits at the end is written before the process goes.
 */
function standardOutput(): Destination {
  let dropped = 0
  let waiting = false
  let failing = false
  let ends = Infinity
  const retryEAGAIN = () => performance.now() < ends
  const output = pino.destination({ dest: 1, sync: false, maxLength: mostWaiting, retryEAGAIN })

  /** Lines of this turn of the event loop: each write of its own would cost as much as ten of them together. */
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
    waiting = true
    output.write(text)
  }

  // A log that cannot be written is no reason to stop. The next line tries again.
  output.on('error', () => {
    waiting = false
    failing = true
  })
  output.on('drop', (text: string) => (dropped += text.split('\n').length - 1))
  output.on('drain', () => {
    waiting = false
    failing = false
    if (dropped === 0) return
    const msg = 'lines of the log were dropped: nobody read them in time'
    write(`${JSON.stringify({ level: 'warn', time: cachedTimestamp(), dropped, msg })}\n`)
    dropped = 0
  })
  // For an end without a word; nobody may wait for ever.
  process.prependOnceListener('exit', () => {
    ends = performance.now() + lastMs
    flush()
    if (failing) output.destroy() // what is left would be tried for ever
  })
  return {
    write,
    [Symbol.asyncDispose]: async () => {
      flush()
      if (waiting) await settled()
      ends = 0
      ended = true
      output.destroy()
    },
  }

  /** Until what waits is written, or cannot be, or has had its time. */
  async function settled(): Promise<void> {
    const patience = new AbortController()
    const events = ['drain', 'error'].map((event) => new Promise((resolve) => output.once(event, resolve)))
    await Promise.race([...events, pause(lastMs, undefined, { signal: patience.signal }).catch(() => {})])
    patience.abort()
  }
}

/** Says nothing; for tests and one-shot commands. */
export const silent: Log = createLog({ level: 'silent' })

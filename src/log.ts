import { pino, type DestinationStream, type Logger } from 'pino'

/** What parts ask of a log: static messages, fields beside them, children that carry a field on. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child: (fields: Record<string, unknown>) => Log
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export function createLog({
  level = 'info',
  destination,
}: { level?: LogLevel; destination?: DestinationStream } = {}): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** Says nothing; for tests and one-shot commands. */
export const silent: Log = createLog({ level: 'silent' })

import { createLog, type Log } from '../src/log.ts'

/** A log and its lines so far. */
export function createTestLog(): { log: Log; lines: () => Record<string, unknown>[] } {
  const output: string[] = []
  const log = createLog({ destination: { write: (line) => void output.push(line) } })
  return { log, lines: () => output.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

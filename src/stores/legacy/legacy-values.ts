import { isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import type { FieldReadings, FieldReading } from './legacy-schema.ts'
import { parsePythonLiteral, type PythonLoss } from './python-literal.ts'
import { PythonLiteralError } from './python-string.ts'

export type ReportProblem = (field: string, problem: string) => void

/** What must be read: a map, a list, or any value. */
export type Shape = 'map' | 'list' | 'any'

type Parsed =
  | { readonly value: unknown; readonly form: 'json' | 'python'; readonly losses?: ReadonlySet<PythonLoss> }
  | { readonly problem: string }

/** Counts by field how its values were read. */
export function createReadingCounts() {
  const fields = new Map<string, Partial<Record<FieldReading, number>>>()
  function add(field: string, reading: FieldReading): void {
    const counts = fields.get(field) ?? {}
    fields.set(field, { ...counts, [reading]: (counts[reading] ?? 0) + 1 })
  }
  return { add, fields: fields as ReadonlyMap<string, FieldReadings> }
}
export type ReadingCounts = ReturnType<typeof createReadingCounts>

const lossMessages: Readonly<Record<PythonLoss, string>> = {
  infinite: 'has a number without a form in JSON (inf or nan), read as null',
  rounded: 'has an integer beyond 2^53, rounded',
}

/**
 * Reads a structured column: JSON, else a Python literal, else the value of the agent's newest event.
 *
 * `undefined` where there is no value. `field` is for the report, and `kind` for the counts.
 */
export function readStructure(
  { stored, event, shape }: { stored: unknown; event: unknown; shape: Shape },
  {
    field,
    kind = field,
    report,
    counts,
  }: { field: string; kind?: string; report: ReportProblem; counts: ReadingCounts },
): unknown {
  const parsed = stored === undefined ? undefined : parseStructure(stored, shape)
  if (parsed && 'value' in parsed) {
    counts.add(kind, parsed.form)
    for (const loss of parsed.losses ?? []) report(field, lossMessages[loss])
    return parsed.value
  }
  if (stored !== undefined && !parsed) return undefined
  const fromEvent = parseStructure(event, shape)
  const isInEvent = fromEvent !== undefined && 'value' in fromEvent
  if (parsed)
    report(field, `${parsed.problem}; ${isInEvent ? 'taken from the newest event of the agent' : 'left empty'}`)
  if (parsed || isInEvent) counts.add(kind, isInEvent ? 'event' : 'unreadable')
  return isInEvent ? fromEvent.value : undefined
}

/** The fields of an event's data; empty where it has none. */
export function parseEvent(data: unknown): JsonObject {
  const parsed = parseStructure(data, 'map')
  return parsed && 'value' in parsed ? (parsed.value as JsonObject) : {}
}

/** Undefined for a null value. */
function parseStructure(stored: unknown, shape: Shape): Parsed | undefined {
  if (stored === null || stored === undefined || stored === '') return undefined
  const parsed = parseText(stored instanceof Uint8Array ? new TextDecoder().decode(stored) : stored)
  if ('problem' in parsed) return parsed
  const { value } = parsed
  if (value === null) return undefined
  if (shape === 'map' && !isJsonObject(value)) return { problem: 'is not a map' }
  if (shape === 'list' && !Array.isArray(value)) return { problem: 'is not a list' }
  return parsed
}

function parseText(text: unknown): Parsed {
  if (typeof text !== 'string') return { value: text, form: 'json' }
  try {
    return { value: JSON.parse(text), form: 'json' }
  } catch {
    // The Python registry stored `str(value)`.
  }
  try {
    return { ...parsePythonLiteral(text), form: 'python' }
  } catch (error) {
    if (!(error instanceof PythonLiteralError)) throw error
    return { problem: `is neither JSON nor a Python literal (${error.message})` }
  }
}

export function readColumnText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function readNumber(value: unknown, field: string, report: ReportProblem): number | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const number = Number(value)
  if (Number.isFinite(number) && number > 0) return number
  report(field, 'is not a positive number; the default is used')
  return undefined
}

/** A time without a zone is UTC. */
export function readTime(value: unknown, field: string, report: ReportProblem): string | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).trim().replace(' ', 'T')
  const zoned = /(Z|[+-]\d{2}(:?\d{2})?)$/i.test(text) ? text : `${text}Z`
  // Python writes microseconds, Go nanoseconds; a zone may lack its minutes.
  const plain = zoned.replace(/(\.\d{3})\d+/, '$1').replace(/([+-]\d{2})$/, '$1:00')
  const time = Date.parse(plain)
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  report(field, 'is not a valid time; omitted')
  return undefined
}

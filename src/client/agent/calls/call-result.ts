/** What a tool of MCP answers, as far as agents look at it. */
export type CallResult = {
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly structuredContent?: unknown
  readonly isError?: boolean
  readonly _meta?: Readonly<Record<string, unknown>>
}

/**
 * The value that the function of the tool `name` returned, as an answer of MCP.
 *
 * It counts as the JSON that it is written as; beside the rules of JSON, a `Map` is an object, a `Set` a list and a bigint text.
 * An object becomes structured content, and text for clients that read only text. Other values are wrapped the way FastMCP
 * does (`{ result }`, marked), since structured content is an object. An answer of MCP stays as it is.
 *
 * @throws {TypeError} The value cannot be written as JSON; an answer's structured content is no object.
 */
export function resultOf(name: string, value: unknown): CallResult {
  if (isCallResult(value)) return answerOf(name, value)
  if (value === undefined) return { content: [] }
  const json = jsonOf(`the result of ${name}`, value)
  const plain = JSON.parse(json) as unknown
  const text = typeof plain === 'string' ? plain : json
  const content = [{ type: 'text', text }]
  if (typeof plain === 'string' && !isJsonText(text)) return { content }
  if (isObject(plain)) return { content, structuredContent: plain }
  return { content, structuredContent: { result: plain }, _meta: wrappedMark }
}

function answerOf(name: string, { structuredContent, ...answer }: CallResult): CallResult {
  if (structuredContent === undefined || structuredContent === null) return answer
  const what = `the structuredContent of ${name}`
  const plain = JSON.parse(jsonOf(what, structuredContent)) as unknown
  if (!isObject(plain)) throw new TypeError(`${what} must be an object`)
  return { ...answer, structuredContent: plain }
}

function jsonOf(what: string, value: unknown): string {
  try {
    const json: string | undefined = JSON.stringify(value, withCollections)
    if (json !== undefined) return json
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TypeError(`${what} cannot be written as JSON: ${reason}`, { cause: error })
  }
  throw new TypeError(`${what} cannot be written as JSON: it is a ${typeof value}`)
}

/** Replaces what JSON would refuse, or write as an empty object. */
function withCollections(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value as Map<PropertyKey, unknown>)
  if (value instanceof Set) return [...(value as Set<unknown>)]
  return typeof value === 'bigint' ? String(value) : value
}

const wrappedMark = { fastmcp: { wrap_result: true } }

/** The value of an answer: its structured content, else its text, parsed where it is JSON; else its content. */
export function valueOf({ content, structuredContent, _meta }: CallResult): unknown {
  if (structuredContent !== undefined && structuredContent !== null) {
    const fastmcp = _meta?.['fastmcp']
    const isWrapped = isObject(fastmcp) && fastmcp['wrap_result'] === true
    return isWrapped && isObject(structuredContent) ? structuredContent['result'] : structuredContent
  }
  const [first, ...more] = content
  if (first === undefined) return undefined
  if (more.length > 0 || first.type !== 'text') return content
  return parsedText(first.text ?? '')
}

/** The text of an answer, for errors. */
export function textOf({ content }: CallResult): string {
  return content
    .flatMap(({ text }) => text ?? [])
    .join(' ')
    .slice(0, 1000)
}

function parsedText(text: string): unknown {
  if (!isJsonText(text)) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text // it only looks like JSON
  }
}

/** Whether a reader takes a text for JSON: only objects and lists, since many a plain text is a JSON number. */
function isJsonText(text: string): boolean {
  return /^\s*[[{]/.test(text)
}

function isCallResult(value: unknown): value is CallResult {
  return (
    isObject(value) &&
    Array.isArray(value['content']) &&
    value['content'].every((part) => isObject(part) && 'type' in part)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

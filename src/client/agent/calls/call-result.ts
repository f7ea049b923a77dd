/** What a tool of MCP answers, as far as agents look at it. */
export type CallResult = {
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly structuredContent?: unknown
  readonly isError?: boolean
  readonly _meta?: Readonly<Record<string, unknown>>
}

/**
 * The value that a tool's function returned, as an answer of MCP.
 *
 * An object becomes structured content, and text for clients that read only text. Other values are wrapped the way FastMCP
 * does (`{ result }`, marked), since structured content is an object. An answer of MCP stays as it is.
 */
export function resultOf(value: unknown): CallResult {
  if (isCallResult(value)) return value
  if (typeof value === 'string' && !isJsonText(value)) return { content: [{ type: 'text', text: value }] }
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  const content = [{ type: 'text', text }]
  if (value === undefined) return { content: [] }
  if (isObject(value)) return { content, structuredContent: JSON.parse(text) as unknown }
  return { content, structuredContent: { result: value }, _meta: wrappedMark }
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

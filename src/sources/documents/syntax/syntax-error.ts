import { SourceError } from '../../../model/source.ts'

/** Characters of the broken line before and after the error that are looked at. */
const maxBefore = 80
const maxAfter = 40

/** Words that are no secret: fields of definitions, and the lists that hold them. Not from the schema, which the parser thread does without. */
const knownWords = new Set(
  (
    'servers mcpServers mcp name namespace title description type transport command args env cwd url headers enabled disabled tags ' +
    'labels annotations version capabilities dependencies health_check health_check_url health_check_interval metadata true false null'
  ).split(' '),
)

/** Why a text cannot be parsed, with the location of `offset` and what its line may show. */
export function syntaxError(message: string, text: string, offset: number): SourceError {
  return new SourceError(message, {
    class: 'config',
    where: lineAndColumn(text, offset),
    excerpt: maskedLine(text, offset),
  })
}

export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return `line ${line}, column ${offset - before.lastIndexOf('\n')}`
}

/**
 * The line of `offset`, with `▸` there: known fields, brackets, quotes, colons and commas; `…` for everything else, since any of it
 * may be a secret. Undefined where nothing but that is left.
 */
export function maskedLine(text: string, offset: number): string | undefined {
  const start = Math.max(text.lastIndexOf('\n', offset - 1) + 1, offset - maxBefore)
  const lineEnd = text.indexOf('\n', offset)
  const end = Math.min(lineEnd === -1 ? text.length : lineEnd, offset + maxAfter)
  const shown = `${mask(text.slice(start, offset))}▸${mask(text.slice(offset, end))}`
  return /[^\s▸…]/.test(shown) ? shown.trim() : undefined
}

/** A closed text, a word, a tab, a mark of the syntax, or anything else. */
const parts = /"[^"\\]*"|'[^'\\]*'|[\w-]+|\t|[{}[\]"']|[:,](?=[\s"'{}[\]]|$)| +|[^]/g

function mask(text: string): string {
  return text
    .replaceAll(parts, (part) => {
      if (part === '\t') return '⇥'
      if (/^(?: +|[{}[\]"':,-])$/.test(part) || knownWords.has(part)) return part
      const [quote = ''] = /^["']/.exec(part) ?? []
      if (quote === '') return '…'
      return knownWords.has(part.slice(1, -1)) ? part : `${quote}…${quote}`
    })
    .replaceAll(/…(?: *…)+/g, '…')
}

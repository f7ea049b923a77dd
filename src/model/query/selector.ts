import { excerptOf } from '../data/excerpt.ts'
import { isLabelKey, isLabelValue } from '../labels.ts'

/** One condition on labels. `=` and `==` are `in`. `!=` is `notin`, which also holds where the key is missing. */
export type Requirement =
  | { readonly operator: 'in' | 'notin'; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: 'exists'; readonly key: string }
  | { readonly operator: 'absent'; readonly key: string }

/** A syntax error in a selector; `at` counts characters from 1. */
export class SelectorError extends Error {
  override name = 'SelectorError'
  readonly at: number

  constructor(message: string, at: number) {
    super(`${message} (at character ${at})`)
    this.at = at
  }
}

type Token = { readonly text: string; readonly at: number; readonly symbol: boolean }

const maxSelectorChars = 4096
const tokenPattern = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  tokenPattern.lastIndex = 0
  for (let match = tokenPattern.exec(text); match; match = tokenPattern.exec(text)) {
    const token = match[1] ?? ''
    tokens.push({ text: token, at: match.index + match[0].length - token.length + 1, symbol: /^[=!(),<>]/.test(token) })
  }
  tokens.push({ text: '', at: text.length + 1, symbol: true })
  return tokens
}

/**
 * Parses a label selector: requirements joined by `,`, all of which must hold.
 *
 * The grammar is Kubernetes' (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors):
 * `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key`, `!key`. As there, a value may be
 * empty, and `in ()` means the empty value. The empty selector always holds.
 */
export function parseSelector(text: string): readonly Requirement[] {
  if (text.length > maxSelectorChars)
    throw new SelectorError(`is longer than ${maxSelectorChars} characters`, maxSelectorChars + 1)
  const all = tokensOf(text)
  let next = 0
  const peek = () => all[next] ?? { text: '', at: text.length + 1, symbol: true }
  const take = () => {
    const token = peek()
    next += 1
    return token
  }
  const isNext = (symbol: string) => peek().symbol && peek().text === symbol

  function fail(token: Token, expected: string): never {
    const actual = token.text === '' ? 'end of text' : `"${excerptOf(token.text)}"`
    throw new SelectorError(`expected ${expected}, found ${actual}`, token.at)
  }

  function key(): string {
    const token = take()
    if (token.symbol || token.text === 'in' || token.text === 'notin') fail(token, 'a label key')
    if (!isLabelKey(token.text)) {
      const rule = '[prefix/]name, at most 63 letters, digits, "-", "_", "."'
      throw new SelectorError(`invalid label key "${excerptOf(token.text)}": must be ${rule}`, token.at)
    }
    return token.text
  }

  /** A value; empty where the next token is a symbol. */
  function value(): string {
    if (peek().symbol) return ''
    const token = take()
    if (!isLabelValue(token.text)) {
      const rule = 'at most 63 letters, digits, "-", "_", "."'
      throw new SelectorError(`invalid label value "${excerptOf(token.text)}": must be ${rule}`, token.at)
    }
    return token.text
  }

  function values(): readonly string[] {
    if (!isNext('(')) fail(peek(), '"("')
    take()
    const parsed = new Set([value()])
    while (isNext(',')) {
      take()
      parsed.add(value())
    }
    if (!isNext(')')) fail(peek(), '"," or ")"')
    take()
    return [...parsed].toSorted()
  }

  function requirement(): Requirement {
    if (isNext('!')) {
      take()
      return { operator: 'absent', key: key() }
    }
    const name = key()
    if (isNext(',') || isNext('')) return { operator: 'exists', key: name }
    const operator = take()
    if (operator.symbol && (operator.text === '=' || operator.text === '=='))
      return { operator: 'in', key: name, values: [value()] }
    if (operator.symbol && operator.text === '!=') return { operator: 'notin', key: name, values: [value()] }
    if (operator.text === 'in' || operator.text === 'notin')
      return { operator: operator.text, key: name, values: values() }
    return fail(operator, '"=", "==", "!=", "in", "notin" or ","')
  }

  if (isNext('')) return []
  const requirements = [requirement()]
  while (isNext(',')) {
    take()
    requirements.push(requirement())
  }
  if (!isNext('')) fail(peek(), '"," or the end')
  return requirements
}

/** Whether labels satisfy every requirement. */
export function matchesSelector(
  requirements: readonly Requirement[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every((requirement) => holds(requirement, labels))
}

function holds(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const { key } = requirement
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined
    case 'absent':
      return value === undefined
    case 'in':
      return value !== undefined && requirement.values.includes(value)
    case 'notin':
      return value === undefined || !requirement.values.includes(value)
    default:
      return requirement satisfies never
  }
}

/** The canonical text of requirements, equal for all their spellings. */
export function formatSelector(requirements: readonly Requirement[]): string {
  const parts = requirements.map((requirement) => {
    const { operator, key } = requirement
    if (operator === 'exists') return key
    if (operator === 'absent') return `!${key}`
    return `${key} ${operator} (${requirement.values.join(',')})`
  })
  return [...new Set(parts)].toSorted().join(',')
}

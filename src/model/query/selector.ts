import { isLabelKey, isLabelValue } from '../labels.ts'

/** One condition on labels. `=`, `==` and `in` are `in`; `!=` and `notin` are `notin`, which holds too where the key is missing. */
export type Requirement =
  | { readonly operator: 'in' | 'notin'; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: 'exists'; readonly key: string }
  | { readonly operator: 'absent'; readonly key: string }

/** What a selector's text broke, and where: `at` counts characters from 1. */
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
const tokens = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/y

function tokensOf(text: string): Token[] {
  const found: Token[] = []
  tokens.lastIndex = 0
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const token = match[1] ?? ''
    found.push({ text: token, at: match.index + match[0].length - token.length + 1, symbol: /^[=!(),<>]/.test(token) })
  }
  found.push({ text: '', at: text.length + 1, symbol: true })
  return found
}

/**
 * Reads a label selector: requirements joined by `,`, all of which must hold.
 *
 * The grammar is Kubernetes' (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors):
 * `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key`, `!key`. As there, a value may be
 * empty, and `in ()` means the empty value. The empty selector holds always.
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

  function refuse(token: Token, expected: string): never {
    const found = token.text === '' ? 'ends' : `has "${excerptOf(token.text)}"`
    throw new SelectorError(`${found} where ${expected} is expected`, token.at)
  }

  function key(): string {
    const token = take()
    if (token.symbol || token.text === 'in' || token.text === 'notin') refuse(token, 'a label key')
    if (!isLabelKey(token.text)) {
      const rule = '[prefix/]name, at most 63 letters, digits, "-", "_", "."'
      throw new SelectorError(`"${excerptOf(token.text)}" is no label key: ${rule}`, token.at)
    }
    return token.text
  }

  /** A value, empty where none stands. */
  function value(): string {
    if (peek().symbol) return ''
    const token = take()
    if (!isLabelValue(token.text)) {
      const rule = 'at most 63 letters, digits, "-", "_", "."'
      throw new SelectorError(`"${excerptOf(token.text)}" is no label value: ${rule}`, token.at)
    }
    return token.text
  }

  function values(): readonly string[] {
    if (!isNext('(')) refuse(peek(), '"("')
    take()
    const found = new Set([value()])
    while (isNext(',')) {
      take()
      found.add(value())
    }
    if (!isNext(')')) refuse(peek(), '"," or ")"')
    take()
    return [...found].toSorted()
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
    return refuse(operator, '"=", "==", "!=", "in", "notin" or ","')
  }

  if (isNext('')) return []
  const requirements = [requirement()]
  while (isNext(',')) {
    take()
    requirements.push(requirement())
  }
  if (!isNext('')) refuse(peek(), '"," or the end')
  return requirements
}

function excerptOf(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
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

/** The same requirements, written in the one way that every spelling of them shares. */
export function formatSelector(requirements: readonly Requirement[]): string {
  const parts = requirements.map((one) => {
    if (one.operator === 'exists') return one.key
    if (one.operator === 'absent') return `!${one.key}`
    return `${one.key} ${one.operator} (${one.values.join(',')})`
  })
  return [...new Set(parts)].toSorted().join(',')
}

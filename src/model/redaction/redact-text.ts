import { redactSecret, isSecretName, redactedText, tokenStart, redactTokens } from './secrets.ts'
import { redactPasswords, redactUrlSecrets } from './url-secrets.ts'

/** A longer text is shown as `<redacted>` where it could hold a secret. In UTF-16 code units. */
export const maxMatchedLength = 65_536

/** A cheap first test: most texts contain nothing that a rule below could match. */
const suspicious = new RegExp(
  String.raw`[=@]|://|bearer|basic|authorization|cookie|\bx-|["']\s*:|-----BEGIN|eyJ|${tokenStart}|AKIA|ASIA|AIza|ya29|SG\.`,
  'i',
)
const scheme =
  /\b(bearer|basic)\s+(?!(?:auth|token|scheme|header|is|was|are|or|and|required|credential|not|realm|error|must|the)\w*\b)(?!\$\{)([\w.~+/=-]{4,})/gi
/** Names are matched whole and tested afterwards: a search for their endings would try every start. */
const named = /(?<![\w-])([\w-]+)(["']?\s*:\s*["']?)(?!\$\{)/g
/** A cheap first test, as few texts name a header. */
const partOfHeader = /authorization|cookie|x-/i
const headerName = /(?:^|-)(?:authorization|cookie)$/i
const ownHeaderName = /(?:key|token|secret|auth)$/i
const headerValue = /[^"'\r\n]+/y
const assigned = /(?<![\w.%-])([\w.%-]+)(=)("[^"]*"|'[^']*'|[^\s&;#"'<>,)]*)/g
const quoted = /(["'])([\w.-]{1,128})\1(\s*:\s*)(["'])((?:(?!\4)[^\\\r\n]|\\.)*)\4/g

/** Redacts URL passwords, secret query values, tokens and the like in a message. */
export function redactText(text: string): string {
  if (!suspicious.test(text)) return text
  if (text.length > maxMatchedLength) return redactedText
  const bare = redactHeaders(redactUrlSecrets(redactTokens(redactPasswords(text)))).replaceAll(
    scheme,
    (_, name: string) => `${name} ${redactedText}`,
  )
  return redactAssignments(bare).replaceAll(
    quoted,
    (all, q: string, name: string, colon: string, quote: string, value: string) =>
      isSecretName(name) ? `${q}${name}${q}${colon}${quote}${redactSecret(value)}${quote}` : all,
  )
}

function isHeader(name: string): boolean {
  return headerName.test(name) || (ownHeaderName.test(name) && /(?:^|-)x-/i.test(name))
}

function redactHeaders(text: string): string {
  if (!partOfHeader.test(text)) return text
  let shown = ''
  let end = 0
  for (const { 0: start, 1: name = '', index } of text.matchAll(named)) {
    if (index < end || !isHeader(name)) continue
    headerValue.lastIndex = index + start.length
    const value = headerValue.exec(text)?.[0]
    if (value === undefined) continue
    shown += `${text.slice(end, index)}${start}${redactSecret(value)}`
    end = headerValue.lastIndex
  }
  return end === 0 ? text : shown + text.slice(end)
}

/** Tests for `=` first, because the pattern is slow on text without one. */
function redactAssignments(text: string): string {
  if (!text.includes('=')) return text
  return text.replaceAll(assigned, (all, name: string, equals: string, value: string) =>
    value !== '' && holdsSecret(name) ? `${name}${equals}${redactSecret(value)}` : all,
  )
}

/** In a query, `key` alone is an API key, as in Google's. */
function holdsSecret(name: string): boolean {
  const plain = name.includes('%') ? name.replaceAll(/%[0-9a-f]{2}/gi, '_') : name
  return isSecretName(plain) || /^(k|key|code|sig)$/i.test(plain)
}

const formOfSecret = new RegExp(String.raw`://|-----BEGIN|eyJ|${tokenStart}|AKIA|ASIA|AIza|ya29|SG\.`)

/** Redacts what is a secret by its form alone: tokens, and passwords and webhooks in URLs. */
export function redactByForm(text: string): string {
  if (!formOfSecret.test(text)) return text
  return text.length > maxMatchedLength ? redactedText : redactUrlSecrets(redactTokens(redactPasswords(text)))
}

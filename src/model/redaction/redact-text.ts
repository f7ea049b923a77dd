import { percentDecode } from '../data/percent-encoding.ts'
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
/** A name that is assigned, its index in brackets too: `user[password]=`. */
const assigned = /(?<![\w.%-])([\w.%-]+(?:\[[\w%-]{0,64}\]){0,4})=/g
const assignedValue = /\$?"[^"]*"|\$?'[^']*'|[^\s&;#"'<>,)]+/y
/** A pair inside an encoded URL. */
const encodedPair =
  /(%(?:25){0,3}(?:26|3F))([\w.-]{1,64})(%(?:25){0,3}3D)((?:(?!%(?:25){0,3}(?:26|23))[^\s&;#"'<>,)])+)/gi
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

function redactAssignments(text: string): string {
  const bare = text.includes('%') ? redactEncodedPairs(text) : text
  if (!bare.includes('=')) return bare
  let shown = ''
  let end = 0
  for (const { 0: start, 1: name = '', index } of bare.matchAll(assigned)) {
    if (index < end || !holdsSecret(name)) continue
    assignedValue.lastIndex = index + start.length
    const value = assignedValue.exec(bare)?.[0]
    if (value === undefined) continue
    shown += `${bare.slice(end, index)}${start}${redactSecret(value)}`
    end = assignedValue.lastIndex
  }
  return end === 0 ? bare : shown + bare.slice(end)
}

function redactEncodedPairs(text: string): string {
  return text.replaceAll(encodedPair, (all, start: string, name: string, equals: string, value: string) =>
    holdsSecret(name) ? `${start}${name}${equals}${redactSecret(value)}` : all,
  )
}

/** In a query, `key` alone is an API key, as in Google's. An encoded name may end a value: `x%26token=`. */
function holdsSecret(name: string): boolean {
  const plain = name.includes('%') ? (percentDecode(name) ?? name.replaceAll(/%[0-9a-f]{2}/gi, '_')) : name
  const last = plain.slice(Math.max(...['?', '&', '#', '='].map((sign) => plain.lastIndexOf(sign))) + 1)
  return isSecretName(last) || /^(k|key|code|sig)(\[.*\])?$/is.test(last)
}

const formOfSecret = new RegExp(String.raw`://|-----BEGIN|eyJ|${tokenStart}|AKIA|ASIA|AIza|ya29|SG\.`)

/** Redacts what is a secret by its form alone: tokens, and passwords and webhooks in URLs. */
export function redactByForm(text: string): string {
  if (!formOfSecret.test(text)) return text
  return text.length > maxMatchedLength ? redactedText : redactUrlSecrets(redactTokens(redactPasswords(text)))
}

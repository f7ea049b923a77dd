import { redactSecret, isSecretName, redactedText, tokenStart, redactTokens } from './secrets.ts'

/** A cheap first test: most texts contain nothing that a rule below could match. */
const suspicious = new RegExp(
  String.raw`[=@]|://|bearer|basic|authorization|cookie|\bx-|["']\s*:|-----BEGIN|eyJ|${tokenStart}|AKIA|ASIA|AIza|ya29|SG\.`,
  'i',
)
const scheme =
  /\b(bearer|basic)\s+(?!(?:auth|token|scheme|header|is|was|are|or|and|required|credential|not|realm|error|must|the)\w*\b)(?!\$\{)([\w.~+/=-]{4,})/gi
const header =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]{0,40}(?:key|token|secret|auth))(["']?\s*:\s*["']?)(?!\$\{)([^"'\r\n]+)/gi
const assigned = /([\w.%-]{1,128})(=)("[^"]*"|'[^']*'|[^\s&;#"'<>,)]*)/g
const quoted = /(["'])([\w.-]{1,128})\1(\s*:\s*)(["'])((?:(?!\4)[^\\\r\n]|\\.)*)\4/g

/** Redacts URL passwords, secret query values, tokens and the like in a message. */
export function redactText(text: string): string {
  if (!suspicious.test(text)) return text
  const bare = redactUrlSecrets(redactTokens(redactPasswords(text)))
    .replaceAll(header, (_, name: string, between: string, value: string) => `${name}${between}${redactSecret(value)}`)
    .replaceAll(scheme, (_, name: string) => `${name} ${redactedText}`)
  return redactAssignments(bare).replaceAll(
    quoted,
    (all, q: string, name: string, colon: string, quote: string, value: string) =>
      isSecretName(name) ? `${q}${name}${q}${colon}${quote}${redactSecret(value)}${quote}` : all,
  )
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

/** Redacts what is a secret by its form alone: tokens, and passwords and webhooks in URLs. */
export function redactByForm(text: string): string {
  return formOfSecret.test(text) ? redactUrlSecrets(redactTokens(redactPasswords(text))) : text
}

const formOfSecret = new RegExp(String.raw`://|-----BEGIN|eyJ|${tokenStart}|AKIA|ASIA|AIza|ya29|SG\.`)

/** Webhooks whose path is their secret, up to it. */
const webhook =
  /(https?:\/\/(?:hooks\.slack\.com\/(?:services|workflows|triggers)\/|(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks\/|[\w-]{1,63}\.webhook\.office\.com\/webhookb2\/|api\.telegram\.org\/bot|hooks\.zapier\.com\/hooks\/catch\/))[^\s"'<>?#]{1,2048}/gi
/** A fragment that is no anchor: long, of several kinds of characters. */
const fragment = /#(?=[^\s"'<>]{0,256}\d)(?=[^\s"'<>]{0,256}[A-Z])[^\s"'<>=&#]{16,2048}/g
const maxUrlLength = 2048

function redactUrlSecrets(text: string): string {
  if (!text.includes('://')) return text
  return text
    .replaceAll(webhook, `$1${redactedText}`)
    .replaceAll(fragment, (all, at: number, whole: string) => (isInUrl(whole, at) ? `#${redactedText}` : all))
}

/** Looks back from a `#` instead of matching the URL before it, which would take long for many URLs. */
function isInUrl(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - maxUrlLength), at)
  const start = before.lastIndexOf('://')
  return start >= 0 && !/[\s"'<>]/.test(before.slice(start))
}

const userinfo = /([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/?#"'<>]{1,2048})@/gi
// A slash in a password makes the URL invalid, but such URLs occur.
const sloppy = /([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/?#@:"'<>[]{0,256}):(?!\d{1,5}(?:[/?#\s]|$))([^\s"'<>]{1,2048})@/gi

function redactPasswords(text: string): string {
  if (!text.includes('://') || !text.includes('@')) return text
  return text
    .replaceAll(userinfo, (_, protocol: string, info: string) => {
      const colon = info.indexOf(':', info.startsWith('${') ? info.indexOf('}') + 1 : 0)
      if (colon >= 0) return `${protocol}${info.slice(0, colon)}:${redactSecret(info.slice(colon + 1))}@`
      // In an http URL, a user without a password is a token, as with git; elsewhere it is a user name.
      return `${protocol}${/^https?:/i.test(protocol) ? redactSecret(info) : info}@`
    })
    .replaceAll(sloppy, (all, protocol: string, user: string, password: string) =>
      password.includes(redactedText) || password.includes('${') ? all : `${protocol}${user}:${redactedText}@`,
    )
}

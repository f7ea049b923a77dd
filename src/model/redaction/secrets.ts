/** The text shown in place of a secret. */
export const redactedText = '<redacted>'

/** Names without their separators that mean a secret. */
const secretNames =
  /pass(word|wd|phrase|code)|secret|token|apikey|(access|private|signing|encryption|master|account|shared|subscription|service|license)key|authorization|credential|bearer|cookie|jwt|connectionstring|signature|sessionid/
/** Words inside a name that mean a secret. */
const secretWords = /(^|[-_./\s])(auth|pass|pwd|pw|pat|sig|dsn|sas|psk|otp)([-_./\s]|$)/i
/** Names that contain `token` but mean no secret. */
const harmlessNames =
  /tokeni[sz]|^(max|min|total|input|output|num|limit)tokens?|tokens?(limit|count|budget|max)$|tokenurl$|tokenendpoint$/
/** Maximum names whose result is remembered. The first ones stay: the same few names come with every server. */
const maxRemembered = 4096
const results = new Map<string, boolean>()

/** Whether a field of this name holds a secret: `API_KEY`, `apiKey`, `X-Auth-Token`, `db.password`. */
export function isSecretName(name: string): boolean {
  const cached = results.get(name)
  if (cached !== undefined) return cached
  const plain = name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase()
  const isSecret =
    (secretNames.test(plain) && !harmlessNames.test(plain)) ||
    secretWords.test(name.replaceAll(/([a-z])([A-Z])/g, '$1_$2'))
  if (results.size < maxRemembered && name.length < 256) results.set(name, isSecret)
  return isSecret
}

/** The beginnings of tokens with a vendor's prefix. */
export const tokenStart = String.raw`\b(?:github_pat|gh[pousr]|glpat|xox[abceoprs]|xapp|npm|hf|pypi|dop_v1|lin_api|shpat|figd|gsk|tvly|pplx|sbp|nvapi|whsec|ntn|sk|rk)[-_][\w-]{6}`

/** Tokens and keys that are recognised by their format alone. */
const tokens = new RegExp(
  [
    String.raw`-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)`,
    String.raw`${tokenStart}[\w-]*`,
    String.raw`\b(?:AKIA|ASIA)[0-9A-Z]{8,}`,
    String.raw`\bAIza[\w-]{20,}`,
    String.raw`\bya29\.[\w-]{8,}`,
    String.raw`\bSG\.[\w-]{8,}\.[\w-]{8,}`,
  ].join('|'),
  'g',
)

/** The first part of a JSON Web Token and, where the text is one, the others. It takes the whole word, so that no later start tries it again. */
const webToken = /\beyJ[\w-]{6,}(\.[\w-]{4,}(?:\.[\w-]*)?)?/g

/** Redacts every token and key that is recognised by its format. */
export function redactTokens(text: string): string {
  const bare = text.includes('eyJ')
    ? text.replaceAll(webToken, (all, others: string | undefined) => (others === undefined ? all : redactedText))
    : text
  return bare.replaceAll(tokens, redactedText)
}

/**
 * The redacted form of a secret value.
 *
 * A placeholder stays, because it is filled in later (`${TOKEN}`, `Bearer ${env:TOKEN}`). A default inside a placeholder may
 * be a secret, and is redacted.
 */
export function redactSecret(value: string): string {
  const inner = /^\s*(?:(?:Bearer|Basic|Token)\s+)?(?:\$\{[^{}]{1,253}\}\s*)+$/i
  if (!value.includes('${') || !inner.test(value)) return redactedText
  return value.replaceAll(/\$\{([^{}]*)\}/g, (all, body: string) => {
    const end = body.indexOf(':-')
    return end < 0 ? all : `\${${body.slice(0, end)}:-${redactedText}}`
  })
}

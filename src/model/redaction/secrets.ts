/** What stands where a secret was. */
export const redactedText = '<redacted>'

const named =
  /pass(word|wd|phrase|code)|secret|token|apikey|(access|private|signing|encryption|master|account|shared|subscription|service|license)key|authorization|credential|bearer|cookie|jwt|connectionstring|signature|sessionid/
const words = /(^|[-_./\s])(auth|pass|pwd|pw|pat|sig|dsn|sas|psk|otp)([-_./\s]|$)/i
const harmless =
  /tokeni[sz]|^(max|min|total|input|output|num|limit)tokens?|tokens?(limit|count|budget|max)$|tokenurl$|tokenendpoint$/
const known = new Map<string, boolean>()

/** Whether something of this name holds a secret: `API_KEY`, `apiKey`, `X-Auth-Token`, `db.password`. */
export function isSecretName(name: string): boolean {
  const before = known.get(name)
  if (before !== undefined) return before
  const plain = name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase()
  const answer = (named.test(plain) && !harmless.test(plain)) || words.test(name.replaceAll(/([a-z])([A-Z])/g, '$1_$2'))
  if (known.size < 4096 && name.length < 256) known.set(name, answer)
  return answer
}

/** How tokens begin that say whose they are. */
export const tokenStart = String.raw`\b(?:github_pat|gh[pousr]|glpat|xox[abceoprs]|xapp|npm|hf|pypi|dop_v1|lin_api|shpat|figd|gsk|tvly|pplx|sbp|nvapi|whsec|ntn|sk|rk)[-_][\w-]{6}`

/** Texts that are a secret by their looks, whatever they are named. */
const tokens = new RegExp(
  [
    String.raw`-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)`,
    String.raw`\beyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?`,
    String.raw`${tokenStart}[\w-]*`,
    String.raw`\b(?:AKIA|ASIA)[0-9A-Z]{8,}`,
    String.raw`\bAIza[\w-]{20,}`,
    String.raw`\bya29\.[\w-]{8,}`,
    String.raw`\bSG\.[\w-]{8,}\.[\w-]{8,}`,
  ].join('|'),
  'g',
)

/** The text with everything taken out that is a secret by its looks. */
export function redactTokens(text: string): string {
  return text.replaceAll(tokens, redactedText)
}

/**
 * What is shown in place of a secret.
 *
 * A placeholder that somebody else fills in is no secret and stays (`${TOKEN}`, `Bearer ${env:TOKEN}`); a default
 * inside one may be, and goes.
 */
export function redactSecret(value: string): string {
  const inner = /^\s*(?:(?:Bearer|Basic|Token)\s+)?(?:\$\{[^{}]{1,253}\}\s*)+$/i
  if (!value.includes('${') || !inner.test(value)) return redactedText
  return value.replaceAll(/:-[^{}]*\}/g, `:-${redactedText}}`)
}

import { redactedText, redactSecret } from './secrets.ts'

/**
 * Each pattern starts at a `://`, and cannot run past the next one or past the end of the URL: the work is linear in the
 * length of the text.
 */
const url = /:\/\/[^\s"'<>]+/g
const userinfo = /(?<=([a-z0-9+.-]{1,6})):\/\/([^\s/?#"'<>]+)@/gi
/** A user, and a colon that begins no port. */
const user = /:\/\/[^/?#@:[]*:(?!\d{1,5}(?:[/?#]|$))/

/** Webhooks whose path is their secret, up to it. */
const webhook =
  /(https?:\/\/(?:hooks\.slack\.com\/(?:services|workflows|triggers)\/|(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks\/|[\w-]{1,63}\.webhook\.office\.com\/webhookb2\/|api\.telegram\.org\/bot|hooks\.zapier\.com\/hooks\/catch\/))[^\s"'<>?#]+/gi
const fragment = /#([^=&#]{16,})/g

/** Redacts webhooks and the fragments that are no anchors: long, with a digit and an upper-case letter. */
export function redactUrlSecrets(text: string): string {
  if (!text.includes('://')) return text
  const bare = text.replaceAll(webhook, `$1${redactedText}`)
  if (!bare.includes('#')) return bare
  return bare.replaceAll(url, (all) =>
    all.replaceAll(fragment, (anchor, value: string) =>
      /\d/.test(value) && /[A-Z]/.test(value) ? `#${redactedText}` : anchor,
    ),
  )
}

/** Redacts passwords in URLs, and users that are tokens. */
export function redactPasswords(text: string): string {
  if (!text.includes('://') || !text.includes('@')) return text
  return text
    .replaceAll(userinfo, (_, scheme: string, info: string) => {
      const colon = info.indexOf(':', info.startsWith('${') ? info.indexOf('}') + 1 : 0)
      if (colon >= 0) return `://${info.slice(0, colon)}:${redactSecret(info.slice(colon + 1))}@`
      // In an http URL, a user without a password is a token, as with git; elsewhere it is a user name.
      return `://${/^https?$/i.test(scheme) ? redactSecret(info) : info}@`
    })
    .replaceAll(url, redactSlashedPassword)
}

/** A slash in a password makes the URL invalid, but such URLs occur. */
function redactSlashedPassword(text: string): string {
  const end = text.lastIndexOf('@')
  const start = end < 0 ? undefined : user.exec(text.slice(0, end))
  if (!start) return text
  const password = text.slice(start.index + start[0].length, end)
  if (password === '' || password.includes('${')) return text
  return `${text.slice(0, start.index + start[0].length)}${redactedText}${text.slice(end)}`
}

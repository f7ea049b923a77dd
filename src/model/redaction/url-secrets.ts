import { redactedText, redactSecret } from './secrets.ts'

/**
 * Each pattern starts at a `://`, and cannot run past the next one or past the end of the URL: the work is linear in the
 * length of the text.
 */
const url = /:\/\/[^\s"'<>]+/g
const redactedUrl = /:\/\/(?:[^\s"'<>]|<redacted>)+/g
const userinfo = /(?<=([a-z0-9+.-]{1,6})):\/\/([^\s/?#"'<>]+)@/gi
/** A user, and a colon that begins no port. */
const user = /:\/\/[^/?#@:[]*:(?!\d{1,5}(?:[/?#]|$))/

/** Webhooks whose path is their secret, up to it, by host. */
const webhooks = [
  String.raw`hooks\.slack(?:-gov)?\.com(?::\d+)?\/+(?:services|workflows|triggers)\/`,
  String.raw`(?:\w{1,63}\.)?discord(?:app)?\.com(?::\d+)?\/+api\/+(?:v\d+\/+)?webhooks\/`,
  String.raw`(?:[\w-]{1,63}\.webhook|outlook)\.office(?:365)?\.com(?::\d+)?\/+webhook(?:b2)?\/`,
  String.raw`api\.telegram\.org(?::\d+)?\/+(?:file\/+)?bot`,
  String.raw`hooks\.zapier\.com(?::\d+)?\/+hooks\/+catch\/`,
  String.raw`mcp\.zapier\.com(?::\d+)?\/+api\/+mcp\/+s\/`,
  String.raw`maker\.ifttt\.com(?::\d+)?\/+trigger\/+[^\s/"'<>?#]{1,128}\/+(?:json\/+)?with\/+key\/`,
]
const webhook = new RegExp(
  String.raw`(:\/\/(?:[^\s/?#@"']{0,256}@)?(?:${webhooks.join('|')}))((?:[^\s"'<>?#]|${redactedText})+)`,
  'gi',
)
/** The path behind a webhook of any host. */
const hookPath = /(\/(?:web)?hooks?\/)([^\s"'<>?#]+)/gi
const fragment = /#([^=&#]{16,})/g
/** The part of a query without a name. */
const nameless = /([?&])([^=&#?]{16,})(?=[&#]|$)/g

/** Redacts webhooks, and the fragments and nameless queries that look random. */
export function redactUrlSecrets(text: string): string {
  if (!text.includes('://')) return text
  return text.replaceAll(webhook, `$1${redactedText}`).replaceAll(redactedUrl, (all) =>
    all
      .replaceAll(hookPath, (_, start: string, path: string) => start + path.split('/').map(redactRandom).join('/'))
      .replaceAll(nameless, (_, start: string, value: string) => start + redactRandom(value))
      .replaceAll(fragment, (_, value: string) => `#${redactRandom(value)}`),
  )
}

function redactRandom(text: string): string {
  return looksRandom(text) ? redactedText : text
}

/** Whether a text looks like a key: long, its letters and digits mixed as in no words of a path or an anchor. */
function looksRandom(text: string): boolean {
  if (text.length < 16 || !/\d/.test(text) || !/[A-Za-z](?:.*?[A-Za-z]){3}/.test(text)) return false
  const changes = text.match(/\d(?=[A-Za-z])|[A-Za-z](?=\d)/g)?.length ?? 0
  const humps = text.match(/[a-z\d](?=[A-Z])/g)?.length ?? 0
  return changes >= 4 || humps >= 2 || /[A-Za-z\d]{16}/.test(text)
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

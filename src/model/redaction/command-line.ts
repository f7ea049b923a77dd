import { createArgRedactor, type NextArg, type RedactText } from './args.ts'
import { redactedText, redactSecret } from './secrets.ts'

/** A word as a shell reads it: quoted, a flag or a variable with a quoted value, or any other. */
const words =
  /(--?[A-Za-z][\w-]{0,64}=?|[A-Za-z_]\w{0,64}=)?(\$?)(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)')([^\s"'|;&)]*)|\S+/g

/** A cheap first test: a command line without a flag holds no secret that is found by its words. */
const flagStart = /(?:^|[\s"'`(])-/

/** Redacts a text that may contain a command line, also one inside another. `redactOther` redacts what is quoted. */
export function redactCommandLine(text: string, redactOther: RedactText): string {
  if (!flagStart.test(text)) return text
  const next = createArgRedactor('', (word) => (/\s/.test(word) ? redactOther(word) : word))
  return redactPiped(text).replaceAll(
    words,
    (word, prefix = '', dollar = '', double?: string, single?: string, rest = '') => {
      // A backslash alone continues the line.
      if (word === '\\') return word
      const inner = double ?? single
      if (inner === undefined) return redactWord(word, next)
      const quote = double === undefined ? "'" : '"'
      const shown = redactQuoted({ prefix, value: inner + rest, next, redactOther })
      return shown === inner + rest ? word : `${prefix}${dollar}${quote}${shown}${quote}`
    },
  )
}

/** A word without the sign that ends its command, as `next` shows it. */
function redactWord(word: string, next: NextArg): string {
  const end = /[|;&]$/.test(word) && word.length > 1 ? word.slice(-1) : ''
  const shown = next(word.slice(0, word.length - end.length), true)
  if (end !== '') next(end, true)
  return shown + end
}

function redactQuoted({
  prefix,
  value,
  next,
  redactOther,
}: {
  prefix: string
  value: string
  next: NextArg
  redactOther: RedactText
}): string {
  if (!prefix.startsWith('-')) {
    const shown = prefix === '' ? next(value, true) : value
    return shown === value && /\s/.test(value) ? redactOther(value) : shown
  }
  const shown = next(prefix + value, true)
  if (shown !== prefix + value) return shown.startsWith(prefix) ? shown.slice(prefix.length) : redactedText
  return prefix === '-p' && !/^[\d.:/-]*$/.test(value) ? redactSecret(value) : value
}

/** Flags of programs that read a secret from their input. */
const readsSecret = /--(?:[a-z]{1,32}-)?(?:stdin|with-token)\b/
const hereString = /(<<<\s*)("[^"]*"|'[^']*'|[^\s"']+)/g

/** Redacts what is written into a program that reads a secret: `echo SECRET | docker login --password-stdin`. */
function redactPiped(text: string): string {
  if (!readsSecret.test(text)) return text
  const commands = text.split('|')
  return commands
    .map((command, at) => (readsSecret.test(commands[at + 1] ?? '') ? redactEcho(command) : command))
    .map((command) => (readsSecret.test(command) ? command.replaceAll(hereString, `$1${redactedText}`) : command))
    .join('|')
}

function redactEcho(command: string): string {
  const echo = Math.max(...['echo ', 'printf '].map((name) => command.lastIndexOf(name)))
  if (echo < 0) return command
  const start = command.indexOf(' ', echo) + 1
  return `${command.slice(0, start)}${redactSecret(command.slice(start).trim())}${command.endsWith(' ') ? ' ' : ''}`
}

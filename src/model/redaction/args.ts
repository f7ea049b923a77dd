import { programAfter, secretValueOf, splitCluster, unknownProgram } from './programs.ts'
import { isSecretName, redactedText, redactSecret } from './secrets.ts'

/** Redacts any text. */
export type RedactText = (text: string) => string

/** Redacts the next argument of a command. `isWord`: it stands in a text, and may be a word of a language. */
export type NextArg = (arg: string, isWord?: boolean) => string

/** Redacts the arguments of a command one after another: values of secret flags, headers and variables, and what `redactOther` finds. */
export function createArgRedactor(command: string, redactOther: RedactText): NextArg {
  let flag = ''
  let program = programAfter(command, unknownProgram)

  function valueOf(flagged: string, value: string): string {
    const name = splitCluster(flagged, program)?.flag ?? flagged
    const secret = secretValueOf(name, program)
    if (secret && !secret.isJoined)
      return secret.sign === '' ? redactSecret(value) : hideAfter(value, secret.sign, redactOther)
    if (/^(-H|--headers?)$/i.test(name)) return hideAfter(value, ':', redactOther)
    if (/^(-e|--env|--build-arg)$/.test(name)) return hideAfter(value, '=', redactOther)
    if (/^(-u|--user|--proxy-user)$/.test(name) && !value.includes('://')) return hideAfter(value, ':', redactOther)
    if ((isSecretName(name) && !name.endsWith('-stdin')) || /^--?key$/i.test(name))
      return value.startsWith('-') && value.length < 3 ? value : redactSecret(value)
    return redactArg(value)
  }

  function redactArg(arg: string): string {
    const joined = /^(--?[A-Za-z][\w.-]*|\/[A-Za-z]+|[A-Za-z_][\w.-]*)([=:])([\s\S]+)$/.exec(arg)
    if (joined && !joined[3]?.startsWith('//')) {
      const [, name = '', sign = '', value = ''] = joined
      const shown = name.startsWith('-') ? valueOf(name, value) : undefined
      if (shown !== undefined && shown !== value) return `${name}${sign}${shown}`
      if (isSecretName(name)) return `${name}${sign}${redactSecret(value)}`
    }
    const { start = '', flag: packed = arg } = splitCluster(arg, program) ?? {}
    const shown = redactPacked(packed)
    return shown === undefined ? redactOther(arg) : start + shown.slice(start === '' ? 0 : 1)
  }

  /** Redacts a short flag with its value in one argument; undefined where it holds no secret. */
  function redactPacked(arg: string): string | undefined {
    const secret = arg.length > 2 ? secretValueOf(arg.slice(0, 2), program) : undefined
    if (secret && arg.slice(2).includes(secret.sign))
      return (
        arg.slice(0, 2) +
        (secret.sign === '' ? redactSecret(arg.slice(2)) : hideAfter(arg.slice(2), secret.sign, redactOther))
      )
    const header = /^-H(.+:.+)$/s.exec(arg)
    if (header?.[1]) return `-H${hideAfter(header[1], ':', redactOther)}`
    const packed = packedSecret.exec(arg)
    return packed ? `${packed[1]}${redactedText}` : undefined
  }

  return (arg, isWord = false) => {
    const before = flag
    flag = /^--?[A-Za-z#0]/.test(arg) && !/[=:]/.test(arg) ? arg : ''
    if (before && (flag === '' || !arg.startsWith('--') || isDashedSecret(before, arg))) {
      const shown = valueOf(before, arg)
      if (shown === arg) program = programAfter(arg, program)
      else flag = ''
      return shown
    }
    program = separator.test(arg) ? unknownProgram : programAfter(arg, program)
    const shown = isWord && !arg.startsWith('-') ? arg : redactArg(arg)
    if (shown !== arg) flag = ''
    return shown
  }
}

/** What ends a command in a shell. */
const separator = /^(?:\|\|?|&&?|;;?)$/

/** Whether a text that begins with dashes is the value of a secret flag: no flag of a program looks like it. */
function isDashedSecret(flag: string, value: string): boolean {
  return isSecretName(flag) && !plainFlag.test(value)
}

const plainFlag = /^--?[a-z][a-z0-9-]*$/

/** `-ume:PASSWORD` of curl, and `-pPASSWORD` of database clients: not a port, and not a word. */
const packedSecret = /^(-u[^\s:/]{1,64}:|-p(?=[^\s]{0,64}[A-Z0-9])(?![\d.:/-]+$))\S{2,256}$/

/** Redacts a text from the first `sign` in it; one without the sign as any other text. */
export function hideAfter(text: string, sign: string, redactOther: RedactText): string {
  const at = text.indexOf(sign)
  if (at < 0) return redactOther(text)
  const value = text.slice(at + 1)
  return `${text.slice(0, at + 1)}${/^\s*/.exec(value)?.[0]}${redactSecret(value)}`
}

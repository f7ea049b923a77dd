/** What a secret flag of one program is followed by. */
type ProgramFlags = {
  /** Single letters: the value follows as the next argument, or in the same one. */
  readonly letters: string
  /** The sign before the secret in the value; absent: the whole value is secret. */
  readonly sign?: string
  /** A command of the program that has these flags; elsewhere they mean something else. */
  readonly command?: string
  /** Whether the value follows in the same argument only: the next one means something else. */
  readonly isJoined?: boolean
}

const login: ProgramFlags = { letters: 'p', command: 'login' }
const mysql: ProgramFlags = { letters: 'p', isJoined: true }
const mongo: ProgramFlags = { letters: 'p' }
const ldap: ProgramFlags = { letters: 'w' }
const samba: ProgramFlags = { letters: 'U', sign: '%' }
const capital: ProgramFlags = { letters: 'P' }
/** Programs that begin another command, whose flags are no secrets. */
const none: ProgramFlags = { letters: '' }

/** Flags that are secret for one program, and harmless for others. */
const programs: ReadonlyMap<string, readonly ProgramFlags[]> = new Map(
  Object.entries({
    curl: [
      { letters: 'uUE', sign: ':' },
      { letters: 'b', sign: '=' },
    ],
    sshpass: [{ letters: 'p' }],
    'redis-cli': [{ letters: 'a' }],
    'redis-benchmark': [{ letters: 'a' }],
    lftp: [{ letters: 'u', sign: ',' }],
    ...each('az docker podman nerdctl buildah skopeo crane oras helm oc', login),
    ...each('mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mariadb-admin', mysql),
    ...each('mongo mongosh mongodump mongorestore mongoimport mongoexport cqlsh rabbitmqadmin', mongo),
    ...each('ldapsearch ldapadd ldapmodify ldapdelete ldapcompare ldapwhoami ldappasswd', ldap),
    ...each('smbclient smbget rpcclient winexe net', samba),
    ...each('sqlcmd bcp isql mosquitto_pub mosquitto_sub ipmitool unzip', capital),
    ...each('ssh scp sftp rsync wget psql pg_dump kubectl', none),
  }),
)

function each(names: string, flags: ProgramFlags): Record<string, readonly ProgramFlags[]> {
  return Object.fromEntries(names.split(' ').map((name) => [name, [flags]]))
}

/** Short flags of curl without a value, which may stand before one with a value: `-sSu`. */
const cluster = /^-([#0-46fgGiIjJklLMnNOpqRsSvVZ]{1,32})([uUEbH])/
/** The same where the program is unknown: those most used. */
const usualCluster = /^-([fkLsSv]{1,32})([uH])/

/** The program of a command line, as far as its flags are known. */
export type Program = { readonly name: string; readonly commands: readonly string[] }

export const unknownProgram: Program = { name: '', commands: [] }

const plainName = /^[a-z-]+$/
/** What may stand before the name of a program in one word. */
const separators = /[|;&(`"'\\/]/

/** The program after a word of its command line: another one, or with the command `login`. */
export function programAfter(word: string, before: Program): Program {
  if (word.length > 128) return before
  const name = plainName.test(word)
    ? word
    : (word
        .split(separators)
        .at(-1)
        ?.replace(/\.exe$/i, '') ?? '')
  if (programs.has(name)) return { name, commands: [] }
  return word === 'login' && before.name !== '' ? { ...before, commands: [word] } : before
}

/** What is secret in the value of a flag of a program. */
export type SecretValue = { readonly sign: string; readonly isJoined: boolean }

/** What is secret in the value of a flag, `-u`; undefined where nothing is known of it. */
export function secretValueOf(flag: string, { name, commands }: Program): SecretValue | undefined {
  const letter = flag === '--user' ? 'U' : flag.slice(1)
  if (letter.length !== 1) return undefined
  const found = programs
    .get(name)
    ?.find(({ letters, command }) => letters.includes(letter) && (!command || commands.includes(command)))
  return found && { sign: found.sign ?? '', isJoined: found.isJoined ?? false }
}

/** Splits a cluster of short flags before the last one: `-sSume:x` into `-sS` and `-ume:x`; undefined for any other text. */
export function splitCluster(arg: string, { name }: Program): { start: string; flag: string } | undefined {
  const match = (name === 'curl' ? cluster : usualCluster).exec(arg)
  if (!match?.[1]) return undefined
  return { start: `-${match[1]}`, flag: `-${arg.slice(match[1].length + 1)}` }
}

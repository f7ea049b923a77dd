import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { SourceError } from '../../model/source.ts'
import type { OutboundRequest } from '../../outbound/http-client.ts'

/** A secret, or the file that holds it. A file is read again at every poll, so that a rotated secret takes effect. */
export const Secret = z.lazy(() => z.union([z.string().min(1), z.strictObject({ file: z.string().min(1) })]))
export type Secret = z.output<typeof Secret>

/** Config fields of the credentials for a directory, and of the certificates to trust. */
export function credentialFields() {
  return {
    token: Secret.optional().describe('Sent as `Authorization: Bearer …`. A text, or `{ file: PATH }`.'),
    headers: z
      .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header'), Secret)
      .optional()
      .describe('Sent with every request. A value is a text, or `{ file: PATH }`.'),
    tls: z
      .strictObject({
        ca: Secret.optional().describe('Certificates to trust, as PEM or `{ file: PATH }`.'),
        cert: Secret.optional().describe('Client certificate, as PEM or `{ file: PATH }`.'),
        key: Secret.optional().describe('Key of that certificate, as PEM or `{ file: PATH }`.'),
        insecure: z.boolean().optional().describe('Whether to accept any certificate. Only for tests.'),
      })
      .optional(),
  } as const
}

type CredentialConfig = {
  token?: Secret | undefined
  headers?: Record<string, Secret> | undefined
  tls?: TlsConfig | undefined
}
type TlsConfig = { [field in 'ca' | 'cert' | 'key']?: Secret | undefined } & { insecure?: boolean | undefined }

/** Reads the credentials: headers to send, and the TLS setup. */
export async function loadCredentials({
  token,
  headers: configuredHeaders = {},
  tls,
}: CredentialConfig): Promise<Pick<OutboundRequest, 'headers' | 'tls'>> {
  const headers: Record<string, string> = {}
  for (const [name, secret] of Object.entries(configuredHeaders))
    headers[name.toLowerCase()] = await readHeaderValue(secret, `header ${name}`)
  if (token !== undefined) headers['authorization'] = `Bearer ${await readHeaderValue(token, 'token')}`
  return { headers, ...(tls && { tls: await loadTls(tls) }) }
}

async function loadTls(config: TlsConfig): Promise<NonNullable<OutboundRequest['tls']>> {
  const tls: { ca?: string; cert?: string; key?: string; insecure?: boolean } = {}
  for (const field of ['ca', 'cert', 'key'] as const) {
    const secret = config[field]
    if (secret !== undefined) tls[field] = await readSecret(secret, `tls.${field}`)
  }
  return config.insecure ? { ...tls, insecure: true } : tls
}

async function readHeaderValue(secret: Secret, setting: string): Promise<string> {
  const value = await readSecret(secret, setting)
  // Node would reject such a value later, in an error that may quote it.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new SourceError(`${setting} holds a character that is not allowed in a header`, { class: 'config' })
  }
  return value
}

async function readSecret(secret: Secret, setting: string): Promise<string> {
  if (typeof secret === 'string') return secret
  const { file } = secret
  let text: string
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException
    throw new SourceError(`${setting} cannot be read from ${file} (${code})`, { class: 'config' })
  }
  if (text === '') throw new SourceError(`${setting} is empty in ${file}`, { class: 'config' })
  return text
}

import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { SourceError } from '../../model/source.ts'
import type { OutboundRequest } from '../../outbound/http-client.ts'

/** A secret as it is, or the file that holds it. A file is read again at every look, so a rotated one is followed. */
export const Secret = z.lazy(() => z.union([z.string().min(1), z.strictObject({ file: z.string().min(1) })]))
export type Secret = z.output<typeof Secret>

/** How a directory is asked: who we are, and whom we trust there. */
export function credentialFields() {
  return {
    token: Secret.optional().describe('Sent as `Authorization: Bearer …`. A text, or `{ file: PATH }`.'),
    headers: z
      .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'is no name of a header'), Secret)
      .optional()
      .describe('Sent with every request. A value is a text, or `{ file: PATH }`.'),
    tls: z
      .strictObject({
        ca: Secret.optional().describe('Certificates to trust, as PEM or `{ file: PATH }`.'),
        cert: Secret.optional().describe('Certificate that proves who we are, as PEM or `{ file: PATH }`.'),
        key: Secret.optional().describe('Key of that certificate, as PEM or `{ file: PATH }`.'),
        insecure: z.boolean().optional().describe('Whether to believe any certificate. Only for trying things out.'),
      })
      .optional(),
  } as const
}

type Credentials = {
  token?: Secret | undefined
  headers?: Record<string, Secret> | undefined
  tls?: TlsConfig | undefined
}
type TlsConfig = { [field in 'ca' | 'cert' | 'key']?: Secret | undefined } & { insecure?: boolean | undefined }

/** What to send and to trust, read afresh. */
export async function loadCredentials({
  token,
  headers = {},
  tls,
}: Credentials): Promise<Pick<OutboundRequest, 'headers' | 'tls'>> {
  const sent: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = await textOf(value, `header ${name}`)
  if (token !== undefined) sent['authorization'] = `Bearer ${await textOf(token, 'token')}`
  return { headers: sent, ...(tls && { tls: await tlsOf(tls) }) }
}

async function tlsOf(config: TlsConfig): Promise<NonNullable<OutboundRequest['tls']>> {
  const tls: { ca?: string; cert?: string; key?: string; insecure?: boolean } = {}
  for (const field of ['ca', 'cert', 'key'] as const) {
    const value = config[field]
    if (value !== undefined) tls[field] = await textOf(value, `tls.${field}`, true)
  }
  return config.insecure ? { ...tls, insecure: true } : tls
}

async function textOf(secret: Secret, what: string, lines = false): Promise<string> {
  const text = typeof secret === 'string' ? secret : await textIn(secret.file, what)
  // A value that cannot be sent would fail later, in an error that may show it.
  if (!lines && /[^\t\x20-\x7e\x80-\xff]/.test(text)) {
    throw new SourceError(`${what} holds a character that cannot be sent in a header`, { class: 'config' })
  }
  return text
}

async function textIn(file: string, what: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException
    throw new SourceError(`${what} cannot be read from ${file} (${code})`, { class: 'config' })
  }
  if (text === '') throw new SourceError(`${what} is empty in ${file}`, { class: 'config' })
  return text
}

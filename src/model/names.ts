import * as z from 'zod'

export { defaultNamespace, type ServerId, serverId, shortId } from './identity.ts'

/**
 * A server's name as its author wrote it: printable text of 1 to 253 characters, case-sensitive, neither `.` nor `..`.
 *
 * Names of the official registry contain `/` and names of Claude's contain spaces, so paths carry them URL-encoded.
 */
export const ServerName = z
  .string()
  .min(1, { error: 'must not be empty', abort: true })
  .max(253, 'must be at most 253 characters')
  // Characters that change the writing direction can make one name look like another.
  .refine(
    (name) => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(name),
    'must be printable text, without control characters',
  )
  .refine((name) => /[^\s\p{Default_Ignorable_Code_Point}]/u.test(name), 'must not be blank')
  .refine((name) => name !== '.' && name !== '..', 'must not be "." or ".."')
export type ServerName = z.output<typeof ServerName>

/** A namespace is a DNS label (RFC 1123), as in Kubernetes. */
export const Namespace = z
  .string()
  .max(63, 'must be at most 63 characters')
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be a DNS label: lower-case letters, digits and "-"')
export type Namespace = z.output<typeof Namespace>

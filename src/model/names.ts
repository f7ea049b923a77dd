import { z } from 'zod'

/**
 * A server's name, kept as people wrote it: printable text of 1 to 253 characters, case-sensitive, neither `.` nor `..`.
 *
 * The official registry's names hold a `/`, Claude's hold spaces, so paths carry them URL-encoded.
 */
export const ServerName = z
  .string()
  .min(1, 'must not be empty')
  .max(253, 'must be at most 253 characters')
  .refine((name) => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name), 'must be printable text, without control characters')
  .refine((name) => name !== '.' && name !== '..', 'must not be "." or ".."')
export type ServerName = z.output<typeof ServerName>

/** A namespace is a DNS label (RFC 1123), as in Kubernetes. */
export const Namespace = z
  .string()
  .max(63, 'must be at most 63 characters')
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be a DNS label: lower-case letters, digits and "-"')
export type Namespace = z.output<typeof Namespace>

/** What identifies a server: `namespace/name`. */
export type ServerId = string

export const defaultNamespace = 'default'

export function serverId(namespace: string, name: string): ServerId {
  return `${namespace}/${name}`
}

/** How people and clients call a server: the name alone in the default namespace, else `namespace/name`. */
export function shortId({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === defaultNamespace ? name : serverId(namespace, name)
}

import * as z from 'zod'

export const Role = z.enum(['none', 'reader', 'registrar', 'admin'])
export type Role = z.output<typeof Role>

/** An authenticated caller of the API, with its role, namespaces and rights. */
export type Principal = {
  /** The name in the audit log; never the token. */
  readonly name: string
  readonly role: Role
  /** Namespaces that it may change; absent: all. */
  readonly namespaces?: readonly string[] | undefined
  /** Whether it may see secrets unredacted. */
  readonly secrets: boolean
  /** Whether it may call tools of agents through the registry. */
  readonly call?: boolean | undefined
  /** Sent no token. */
  readonly anonymous?: true
  /** Overrides `limits.rate`. */
  readonly rate?: { readonly requests_per_second: number; readonly burst?: number | undefined } | undefined
  /** Maximum number of agents that it may hold at once; absent: no limit of its own. */
  readonly max_agents?: number | undefined
  /** Maximum bytes of memory that its agents may take beyond what each may; absent: no limit of its own. */
  readonly max_agent_bytes?: number | undefined
}

/** The name of every principal without a token. */
export const anonymousName = 'anonymous'

/** The principal of a request without any rights. */
export const unauthenticated: Principal = { name: anonymousName, role: 'none', secrets: false }

const rank: Record<Role, number> = { none: 0, reader: 1, registrar: 2, admin: 3 }

/** Whether `role` includes the rights of `needed`. */
export function includesRole(role: Role, needed: Role): boolean {
  return rank[role] >= rank[needed]
}

/** Whether the principal may change the servers and agents of a namespace. */
export function mayUseNamespace({ namespaces }: Principal, namespace: string): boolean {
  return !namespaces || namespaces.includes(namespace)
}

/** Whether `now` has every right that `before` had. */
export function retainsRights(before: Principal, now: Principal): boolean {
  const keepsNamespaces = !now.namespaces || before.namespaces?.every((namespace) => mayUseNamespace(now, namespace))
  const keepsRights = (now.secrets || !before.secrets) && (now.call === true || before.call !== true)
  return includesRole(now.role, before.role) && keepsNamespaces === true && keepsRights
}

export function missingRoleMessage(role: Role): string {
  return `Role "${role}" required: send a bearer token with this role (AUTH_TOKEN, or auth.tokens in the config), or grant it to clients without a token (auth.anonymous).`
}

export function forbiddenNamespaceMessage(namespace: string): string {
  return `Namespace "${namespace}" is not permitted for this token.`
}

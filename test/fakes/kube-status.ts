/** A `Status` object: how the API server says no. */
export type KubeStatus = {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, unknown>
  readonly status: 'Failure'
  readonly message: string
  readonly reason: string
  readonly details?: Record<string, unknown>
  readonly code: number
}

export function status(code: number, reason: string, message: string, details?: Record<string, unknown>): KubeStatus {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  }
}

export const expired = (asked: string, now: string) =>
  status(410, 'Expired', `too old resource version: ${asked} (${now})`)

export const tooLarge = (asked: string, now: string) =>
  status(504, 'Timeout', `Too large resource version: ${asked}, current: ${now}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })

export const continueExpired = () =>
  status(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.',
  )

export const unauthorized = () => status(401, 'Unauthorized', 'Unauthorized')

export function forbidden(user: string, verb: string, plural: string, group: string, namespace?: string): KubeStatus {
  const place = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  return status(
    403,
    'Forbidden',
    `${plural} is forbidden: User "${user}" cannot ${verb} resource "${plural}" in API group "${group}" ${place}`,
    { kind: plural },
  )
}

export const notFound = (plural: string, name: string) =>
  status(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural })

export const conflict = (plural: string, name: string) =>
  status(409, 'AlreadyExists', `${plural} "${name}" already exists`, { name, kind: plural })

/** A `Status` object: the body of an error response. */
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

export function kubeStatus(
  code: number,
  reason: string,
  message: string,
  details?: Record<string, unknown>,
): KubeStatus {
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

export const expiredVersion = (requested: string, current: string) =>
  kubeStatus(410, 'Expired', `too old resource version: ${requested} (${current})`)

export const unknownVersion = (requested: string, current: string) =>
  kubeStatus(504, 'Timeout', `Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })

export const expiredContinueToken = () =>
  kubeStatus(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.',
  )

export const unauthorizedStatus = () => kubeStatus(401, 'Unauthorized', 'Unauthorized')

export function forbiddenStatus(
  user: string,
  verb: string,
  plural: string,
  group: string,
  namespace?: string,
): KubeStatus {
  const place = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  return kubeStatus(
    403,
    'Forbidden',
    `${plural} is forbidden: User "${user}" cannot ${verb} resource "${plural}" in API group "${group}" ${place}`,
    { kind: plural },
  )
}

export const notFoundStatus = (plural: string, name: string) =>
  kubeStatus(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural })

export const conflictStatus = (plural: string, name: string) =>
  kubeStatus(409, 'AlreadyExists', `${plural} "${name}" already exists`, { name, kind: plural })

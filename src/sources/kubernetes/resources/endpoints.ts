import * as z from 'zod'
import { ObjectMetadata } from './objects.ts'

const SliceEndpoint = z.object({
  addresses: z.array(z.string()).nullish(),
  conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
  targetRef: z.object({ kind: z.string().nullish(), name: z.string().nullish() }).nullish(),
})

export const EndpointSlice = z
  .object({
    metadata: ObjectMetadata,
    addressType: z.string().nullish(),
    endpoints: z.array(SliceEndpoint).nullish(),
    ports: z.array(z.object({ name: z.string().nullish(), port: z.number().nullish() })).nullish(),
  })
  .transform(({ metadata: { name, namespace, labels }, addressType, endpoints, ports }) => ({
    metadata: { name, namespace },
    service: labels?.['kubernetes.io/service-name'],
    // An absent condition counts as ready: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
    ready: (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready ?? true)
      .flatMap(({ addresses, targetRef }) => {
        const address = addresses?.[0]
        return address === undefined ? [] : [{ address, pod: targetRef?.name ?? undefined }]
      }),
    ports: (ports ?? []).map(({ name, port }) => ({ name: name ?? '', port: port ?? undefined })),
    isIpv6: addressType === 'IPv6',
  }))
export type EndpointSlice = z.output<typeof EndpointSlice>

/** One ready pod of a Service. */
export type ReadyEndpoint = { readonly name: string; readonly host: string; readonly port: number }

/** Whether a Service has a ready endpoint; undefined without any EndpointSlice. */
export function hasReadyEndpoint(slices: readonly EndpointSlice[]): boolean | undefined {
  if (slices.length === 0) return undefined
  return slices.some(({ ready }) => ready.length > 0)
}

/** Each ready pod once, at the port of that name; dual-stack pods by their IPv4 address. */
export function readyEndpoints(slices: readonly EndpointSlice[], portName: string): readonly ReadyEndpoint[] {
  const endpoints = new Map<string, ReadyEndpoint>()
  const ipv4First = slices.toSorted((one, other) => Number(one.isIpv6) - Number(other.isIpv6))
  for (const { ready, ports, isIpv6 } of ipv4First) {
    const port = (ports.find(({ name }) => name === portName) ?? (ports.length === 1 ? ports[0] : undefined))?.port
    if (port === undefined) continue
    for (const { address, pod } of ready) {
      const name = pod ?? address
      if (!endpoints.has(name)) endpoints.set(name, { name, host: isIpv6 ? `[${address}]` : address, port })
    }
  }
  return [...endpoints.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

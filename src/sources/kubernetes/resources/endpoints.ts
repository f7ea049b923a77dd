import * as z from 'zod'
import { Metadata } from './objects.ts'

const Endpoint = z.object({
  addresses: z.array(z.string()).nullish(),
  conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
  targetRef: z.object({ kind: z.string().nullish(), name: z.string().nullish() }).nullish(),
})

export const EndpointSlice = z
  .object({
    metadata: Metadata,
    addressType: z.string().nullish(),
    endpoints: z.array(Endpoint).nullish(),
    ports: z.array(z.object({ name: z.string().nullish(), port: z.number().nullish() })).nullish(),
  })
  .transform(({ metadata: { name, namespace, labels }, addressType, endpoints, ports }) => ({
    metadata: { name, namespace },
    service: labels?.['kubernetes.io/service-name'],
    // Not said counts as ready: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
    ready: (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready ?? true)
      .flatMap(({ addresses, targetRef }) => {
        const address = addresses?.[0]
        return address === undefined ? [] : [{ address, pod: targetRef?.name ?? undefined }]
      }),
    ports: (ports ?? []).map(({ name, port }) => ({ name: name ?? '', port: port ?? undefined })),
    ipv6: addressType === 'IPv6',
  }))
export type EndpointSlice = z.output<typeof EndpointSlice>

/** One ready pod behind a Service. */
export type Endpoint = { readonly name: string; readonly host: string; readonly port: number }

/** Whether a Service can answer: undefined where nothing is known of its endpoints. */
export function hasReadyEndpoint(slices: readonly EndpointSlice[]): boolean | undefined {
  if (slices.length === 0) return undefined
  return slices.some(({ ready }) => ready.length > 0)
}

/** Each ready pod once, by its IPv4 address where it has two, at the port of that name. */
export function readyEndpoints(slices: readonly EndpointSlice[], portName: string): readonly Endpoint[] {
  const found = new Map<string, Endpoint>()
  const ipv4First = slices.toSorted((one, other) => Number(one.ipv6) - Number(other.ipv6))
  for (const { ready, ports, ipv6 } of ipv4First) {
    const port = (ports.find(({ name }) => name === portName) ?? (ports.length === 1 ? ports[0] : undefined))?.port
    if (port === undefined) continue
    for (const { address, pod } of ready) {
      const name = pod ?? address
      if (!found.has(name)) found.set(name, { name, host: ipv6 ? `[${address}]` : address, port })
    }
  }
  return [...found.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

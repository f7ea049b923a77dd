import * as z from 'zod'
import { isCidr } from '../../outbound/address-guard.ts'

export const ListenTls = z.lazy(() =>
  z.strictObject({
    cert: z
      .string()
      .min(1)
      .describe('PEM file with the certificate and its chain. The daemon reads it again when it changes.'),
    key: z.string().min(1).describe('PEM file with the private key. The daemon reads it again when it changes.'),
  }),
)
export type ListenTls = z.output<typeof ListenTls>

/** The address that the daemon serves. */
export const Listen = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .overwrite((host) => host.replace(/^\[(.*)\]$/, '$1'))
    .default('localhost')
    .describe('Address or host name to listen on. The default in a container or a cluster is `0.0.0.0`.'),
  port: z.number().int().min(0).max(65_535).default(8000).describe('TCP port; 0 chooses a free one.'),
  hosts: z
    .array(z.string().min(1).max(253))
    .default([])
    .describe(
      '`Host` names that the daemon answers to, beside localhost and, beyond loopback, addresses. Without any, it answers to localhost only on loopback, and to every name beyond it. Set them where callers without a token may register or write: a page of a rebound DNS name is such a caller.',
    ),
  trusted_proxies: z
    .array(z.string().refine(isCidr, 'must be a network such as 10.0.0.0/8, or an address'))
    .max(256)
    .default([])
    .describe(
      'Networks of reverse proxies, such as `10.0.0.0/8`. Limits per address then count the client that `X-Forwarded-For` names instead of the proxy. The proxies must add to this header, or replace it. Where they change `Host`, pages of the host that `X-Forwarded-Host` (with `X-Forwarded-Proto`) or `Forwarded` names may write, as the dashboard does, if `listen.hosts` has it.',
    ),
  name: z.string().min(1).max(253).default('mcp-roster').describe('Name of this registry, shown to people and agents.'),
  service: z
    .string()
    .min(1)
    .max(253)
    .default('mcp-mesh-registry')
    .describe(
      'The `service` of `/health` and `/`, by which clients of the mesh registry recognize it. The default is its name.',
    ),
  tls: ListenTls.optional().describe('Certificate for HTTPS. Without it the daemon serves plain HTTP.'),
})
export type Listen = z.output<typeof Listen>

import * as z from 'zod'
import { deferredSchema } from '../../model/schema/lazy-schema.ts'

export const ListenTls = deferredSchema(() =>
  z.strictObject({
    cert: z.string().min(1).describe('PEM file with the certificate and its chain. Read again when it changes.'),
    key: z.string().min(1).describe('PEM file with the private key. Read again when it changes.'),
  }),
)
export type ListenTls = z.output<typeof ListenTls>

/** Where the daemon answers. */
export const Listen = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .overwrite((host) => host.replace(/^\[(.*)\]$/, '$1'))
    .default('localhost')
    .describe('Address or name to listen on. In a container or a cluster the default is `0.0.0.0`.'),
  port: z.number().int().min(0).max(65_535).default(8000).describe('TCP port; 0 takes a free one.'),
  hosts: z
    .array(z.string().min(1).max(253))
    .default([])
    .describe('Further names that a request may call this daemon by (`Host`) while it listens on loopback only.'),
  name: z
    .string()
    .min(1)
    .max(253)
    .default('mcp-roster')
    .describe('What this registry calls itself, to people and to agents.'),
  tls: ListenTls.optional().describe('Serve HTTPS. Without it, plain HTTP.'),
})
export type Listen = z.output<typeof Listen>

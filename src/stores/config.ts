import { z } from 'zod'

const Address = (protocols: readonly string[]) =>
  z
    .string()
    .max(4096)
    .refine(
      (text) => protocols.some((protocol) => text.startsWith(`${protocol}://`)),
      `must begin with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
    )

/** Where registrations and the last good readings survive a restart. */
export const Store = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('memory').describe('Nothing survives a restart.') }),
  z.strictObject({
    type: z.literal('sqlite'),
    path: z
      .string()
      .min(1)
      .max(4096)
      .default('roster.db')
      .describe('The database file; a relative path is one inside the state directory.'),
  }),
  z.strictObject({
    type: z.literal('postgres'),
    url: Address(['postgres', 'postgresql']).describe('`postgres://user:password@host:5432/database`.'),
  }),
  z.strictObject({
    type: z.literal('mysql'),
    url: Address(['mysql', 'mariadb']).describe('`mysql://user:password@host:3306/database`.'),
  }),
])
export type Store = z.output<typeof Store>

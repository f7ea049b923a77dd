import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

/** The dashboard at `/ui`. */
export const Ui = configSection({ enabled: true, read_only: false }, () =>
  z.strictObject({
    enabled: z.boolean().default(true).describe('Whether `/ui` serves the dashboard, and `/` leads browsers there.'),
    read_only: z
      .boolean()
      .default(false)
      .describe('The dashboard offers no actions. The API still obeys the rights of each token.'),
  }),
)
export type Ui = z.output<typeof Ui>

import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { commonFields, defineSource } from '../kind.ts'
import { watchFiles } from './source.ts'

/** Files and directories on this machine: drop a YAML or JSON file in, and its servers are there. */
export const file = defineSource({
  type: 'file',
  config: () =>
    z.strictObject({
      type: z.literal('file'),
      ...commonFields(),
      paths: z
        .array(z.string().min(1).max(4096))
        .min(1)
        .max(1000)
        .optional()
        .describe(
          'Files, directories and globs (`/etc/mcp/**/*.yaml`), first ones winning over later ones; need not exist yet. Of a directory the `.yaml`, `.yml` and `.json` files are read. Default: `/etc/mcp` and `~/.config/mcp`.',
        ),
      recursive: z.boolean().default(false).describe('Whether directories inside directories are read too.'),
      expand: z
        .boolean()
        .default(false)
        .describe(
          'Whether `${VAR}`, `${VAR:-default}` and `${env:VAR}` take the value from the environment of the daemon; otherwise they stay as they are.',
        ),
      rescan: duration({ min: 0.1, max: 86_400 })
        .default(30)
        .describe(
          'How often everything is read again though nobody told of a change; a change on a network drive may stay unseen this long.',
        ),
      max_bytes: z
        .number()
        .int()
        .min(1)
        .max(256 * 1024 * 1024)
        .default(5 * 1024 * 1024)
        .describe('A larger file is not read; it keeps its last servers and is shown as failing.'),
      max_total_bytes: z
        .number()
        .int()
        .min(1)
        .default(64 * 1024 * 1024)
        .describe('All files of this source together; those that come after are treated like one that is too large.'),
    }),
  discovery_method: 'config_file',
  reach: 'any',
  mayIntroduceStdio: () => true,
  questionsShrinks: false,
  silence: ({ rescan }) => 3 * rescan + 60,
  open: ({ paths = [], ...options }, { env, log }) => watchFiles({ ...options, paths, env, log }),
})

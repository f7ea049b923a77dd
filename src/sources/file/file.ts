import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { commonFields, defineSource } from '../source-kind.ts'
import { createFileSource } from './source.ts'

/** Bounds the memory of chokidar to some 25 MB for flat folders, 75 MB for many small ones. */
const defaultMaxWatchedFiles = 20_000

/** Files and directories on this machine: a YAML or JSON file put there adds its servers. */
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
          'Files, directories and globs (`/etc/mcp/**/*.yaml`), in order of precedence; they need not exist yet. In a directory the `.yaml`, `.yml`, `.json`, `.jsonc` and `.json5` files are read. Default: `/etc/mcp` and `~/.config/mcp`.',
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
          'How often everything is read again without an event; a change on a network drive may stay unseen this long.',
        ),
      max_watched_files: z
        .number()
        .int()
        .min(0)
        .max(1_000_000)
        .default(defaultMaxWatchedFiles)
        .describe(
          'Maximum number of files watched for changes; a folder counts as ten. A source with more is only read again every `rescan`, as its note at `/sources` says.',
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
        .describe('All files of this source together; a file beyond that is treated like one that is too large.'),
    }),
  discovery_method: 'config_file',
  reach: 'any',
  mayIntroduceStdio: () => true,
  questionsShrinks: false,
  maxSilenceSeconds: ({ rescan }) => 3 * rescan + 60,
  open: ({ paths = [], ...options }, { env, log }) => createFileSource({ ...options, paths, env, log }),
})

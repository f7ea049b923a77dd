import { readdirSync, statSync } from 'node:fs'
import type { Series } from './series.ts'

/** Linux has an entry here for each open descriptor. */
const folder = '/proc/self/fd'

/** The open descriptors, under the usual name, but counted by the kernel: listing those of ten thousand watchers takes long. */
export function descriptorSeries(): readonly Series[] {
  if (!statSync(folder, { throwIfNoEntry: false })) return []
  // Older kernels than 6.2 count nothing here.
  const read = () => [{ value: statSync(folder).size || readdirSync(folder).length }]
  return [{ type: 'gauge', name: 'process_open_fds', help: 'Number of open file descriptors.', read }]
}

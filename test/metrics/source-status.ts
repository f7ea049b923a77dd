import type { SourceStatus } from '../../src/model/status.ts'

/** The status of a synced file source with three servers, two restarts and a rejected entry. */
export function sourceStatus(fields: Partial<SourceStatus> = {}): SourceStatus {
  return {
    name: 'file',
    type: 'file',
    state: 'synced',
    servers: 3,
    shadowed: 0,
    rejected: 1,
    origins: [],
    rejections: [],
    consecutive_failures: 0,
    restarts: 2,
    last_success: '2026-01-01T00:00:00.000Z',
    ...fields,
  }
}

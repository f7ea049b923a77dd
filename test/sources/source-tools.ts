import { silent } from '../../src/log.ts'
import type { SourceTools } from '../../src/sources/source-kind.ts'

/** Tools of a source that touch nothing: no environment, and an HTTP client that rejects every request. */
export function toolsWith(tools: Partial<SourceTools> = {}): SourceTools {
  const shut = () => Promise.reject(new Error('this test lets nothing out'))
  return {
    log: silent,
    env: {},
    httpClient: { request: shut, connect: shut, stream: shut, requestStatus: shut, close: () => Promise.resolve() },
    ...tools,
  }
}

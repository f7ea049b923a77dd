import { silent } from '../../src/log.ts'
import type { SourceTools } from '../../src/sources/source-kind.ts'

/** Tools of a source that touch nothing: no environment, and an HTTP client that rejects every request. */
export function toolsWith(tools: Partial<SourceTools> = {}): SourceTools {
  const reject = () => Promise.reject(new Error('this test allows no request'))
  return {
    log: silent,
    env: {},
    httpClient: {
      request: reject,
      connect: reject,
      stream: reject,
      requestStatus: reject,
      close: () => Promise.resolve(),
    },
    ...tools,
  }
}

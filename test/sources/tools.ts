import { silent } from '../../src/log.ts'
import type { SourceTools } from '../../src/sources/kind.ts'

/** Tools of a source that touch nothing: no environment, and a door that must stay shut. */
export function toolsWith(tools: Partial<SourceTools> = {}): SourceTools {
  const shut = () => Promise.reject(new Error('this test lets nothing out'))
  return {
    log: silent,
    env: {},
    door: { request: shut, connect: shut, stream: shut, requestStatus: shut, close: () => Promise.resolve() },
    ...tools,
  }
}

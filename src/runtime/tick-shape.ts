import { executionAsyncResource } from 'node:async_hooks'

/** The tick object that stays alive. */
let tickObject: object | undefined

/**
 * Keeps alive one of the objects that Node makes for each `process.nextTick`; a response takes several ticks.
 *
 * V8 drops the map (hidden class) of objects when a full collection finds none of them, as in an idle moment. The code that makes ticks
 * then becomes megamorphic and stays so for the life of the process: 0.45 instead of 0.05 µs a tick.
 *
 * - Upstream: https://github.com/nodejs/node/issues/27347 (cost of nextTick).
 * - For: Node 24, whose tick objects have computed keys.
 * - Gain: `GET /servers/{id}` against a plain Hono handler by CPU, three processes each, alternating builds: 0.91 and 1.00 with it, 0.72
 *   and 0.81 without.
 * - Remove when the first test of `test/runtime/tick-shape.test.ts` fails: V8 keeps the map then.
 */
export function keepTickShape(): void {
  process.nextTick(() => {
    tickObject ??= executionAsyncResource()
  })
}

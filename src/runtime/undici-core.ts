/**
 * Loads undici's `Agent` and `buildConnector` from their own files instead of the index of the package.
 *
 * The index also loads fetch, WebSocket, the caches and the mocks, which the daemon never uses.
 *
 * - Upstream: https://github.com/nodejs/undici/issues/2606 (a package of these parts alone; open).
 * - For: undici 8.12.4 on Node 24.
 * - Gain at the first request, medians of 7 alternating pairs, no pair overlaps. From sources: 13.0 instead of 24.7 MB
 *   RSS, 85 instead of 181 ms CPU. In the bundle: 11.6 instead of 14.8 MB RSS, 84 instead of 136 ms CPU. CPU per request
 *   stays the same.
 * - Remove when `test/runtime/undici-core.test.ts` fails: then the index loads little more than these files.
 */
export async function loadUndiciCore() {
  const [{ default: Agent }, { default: buildConnector }] = await Promise.all([
    import('undici/lib/dispatcher/agent.js'),
    import('undici/lib/core/connect.js'),
  ])
  return { Agent, buildConnector }
}

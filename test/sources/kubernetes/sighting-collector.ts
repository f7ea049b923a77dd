import { createWakeSignal } from '../../../src/flow/wake-signal.ts'
import type { Sighting } from '../../../src/model/source.ts'
import { KubernetesConfig } from '../../../src/sources/kubernetes/config.ts'
import { openKubernetes } from '../../../src/sources/kubernetes/kubernetes.ts'

/** Runs the source until it ends by itself; its sightings. */
export async function collectSightings(
  config: Record<string, unknown>,
  env: Record<string, string> = {},
): Promise<Sighting[]> {
  const stop = new AbortController()
  const source = openKubernetes(KubernetesConfig.parse({ type: 'kubernetes', ...config }), { env })
  const sightings: Sighting[] = []
  const wake = createWakeSignal({ signal: stop.signal })
  for await (const sighting of source({ signal: stop.signal, wake, push: () => {} })) sightings.push(sighting)
  return sightings
}

import * as z from 'zod'
import { type Entry, type Reading, SourceError } from '../../../model/source.ts'
import { readDocument } from '../../documents/read.ts'
import { objectKey, Metadata } from './objects.ts'

export const ConfigMap = z.object({
  metadata: Metadata.pick({ name: true, namespace: true }),
  data: z.record(z.string(), z.string()).nullish(),
  binaryData: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((binary) => Object.keys(binary ?? {})),
})
export type ConfigMap = z.output<typeof ConfigMap>

const isDocument = (key: string) => /\.(ya?ml|json)$/i.test(key)

export const configMapOrigin = (configMap: Pick<ConfigMap, 'metadata'>, key: string) =>
  `configmap/${objectKey(configMap.metadata)}/${key}`

/**
 * Reads ConfigMaps, one origin for each key that is a document.
 *
 * A key whose text is the same as before is not read again, and its reading is the same object.
 */
export function createConfigMapReader() {
  const known = new Map<string, { readonly text: string; readonly reading: Reading }>()

  async function read(configMap: ConfigMap): Promise<readonly Reading[]> {
    const { metadata, data, binaryData } = configMap
    const readings: Reading[] = []
    for (const [key, text] of Object.entries(data ?? {})) {
      if (!isDocument(key)) continue
      const origin = configMapOrigin(configMap, key)
      const before = known.get(origin)
      const reading = before?.text === text ? before.reading : await readingOf(origin, key, text, metadata.namespace)
      known.set(origin, { text, reading })
      readings.push(reading)
    }
    for (const key of binaryData.filter(isDocument))
      readings.push(
        problemReading(configMapOrigin(configMap, key), 'is in binaryData, which is not read; put text into data'),
      )
    if (readings.length === 0)
      readings.push(problemReading(`configmap/${objectKey(metadata)}`, 'has no key that ends in .yaml, .yml or .json'))
    return readings
  }

  return { read, forget: (origin: string) => void known.delete(origin) }
}

function problemReading(origin: string, problem: string): Reading {
  return { origin, entries: [{ problem }] }
}

async function readingOf(origin: string, key: string, text: string, namespace: string): Promise<Reading> {
  try {
    const entries = await readDocument(text, { format: /\.json$/i.test(key) ? 'json' : 'yaml' })
    return { origin, entries: entries.map((entry) => within(entry, namespace)) }
  } catch (error) {
    if (error instanceof SourceError) return { origin, error }
    return { origin, error: new SourceError('cannot be read', { class: 'config', cause: error }) }
  }
}

/** An entry as one of its ConfigMap's namespace: whoever may write there speaks for no other. */
function within(entry: Entry, namespace: string): Entry {
  if ('problem' in entry) return { ...entry, namespace }
  if (!('value' in entry)) return entry
  const { value, where } = entry
  if (typeof value !== 'object' || value === null) return entry
  const { name, namespace: named } = value as Record<string, unknown>
  if (named === undefined || named === null || named === namespace) return { ...entry, value: { ...value, namespace } }
  return {
    problem: `names a namespace other than "${namespace}", which is the ConfigMap's and the only one it may define servers in`,
    namespace,
    ...(typeof name === 'string' && { name }),
    ...(where !== undefined && { where }),
  }
}

import * as z from 'zod'
import { type Entry, type Reading, SourceError } from '../../../model/source.ts'
import { createParseQueue, type Parse } from '../../documents/parse-queue.ts'
import { formatOf } from '../../documents/parse.ts'
import { readDocument } from '../../documents/read.ts'
import { objectKey, ObjectMetadata } from './objects.ts'
import { metadataAddressProblem } from './tenant-urls.ts'

export const ConfigMap = z.object({
  metadata: ObjectMetadata.pick({ name: true, namespace: true }),
  data: z.record(z.string(), z.string()).nullish(),
  binaryData: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((binary) => Object.keys(binary ?? {})),
})
export type ConfigMap = z.output<typeof ConfigMap>

const isDocument = (key: string) => formatOf(key) !== undefined

const configMapOrigin = (configMap: Pick<ConfigMap, 'metadata'>, key: string) =>
  `configmap/${objectKey(configMap.metadata)}/${key}`

/**
 * Reads ConfigMaps: one origin for each key that is a document.
 *
 * A key with unchanged text is not parsed again; its reading is the same object.
 */
export function createConfigMapReader() {
  const parse = createParseQueue('remote')
  const cache = new Map<string, { readonly text: string; readonly reading: Reading }>()

  async function read(configMap: ConfigMap): Promise<readonly Reading[]> {
    const { metadata, data, binaryData } = configMap
    const readings: Reading[] = []
    for (const [key, text] of Object.entries(data ?? {})) {
      if (!isDocument(key)) continue
      const origin = configMapOrigin(configMap, key)
      const cached = cache.get(origin)
      const reading =
        cached?.text === text
          ? cached.reading
          : await parseDocument(origin, key, { text, namespace: metadata.namespace, parse })
      cache.set(origin, { text, reading })
      readings.push(reading)
    }
    for (const key of binaryData.filter(isDocument))
      readings.push(problemReading(configMapOrigin(configMap, key), 'binaryData is not read; move the text to data'))
    if (readings.length === 0)
      readings.push(
        problemReading(
          `configmap/${objectKey(metadata)}`,
          'has no key that ends in .yaml, .yml, .json, .jsonc or .json5',
        ),
      )
    return readings
  }

  return { read, forget: (origin: string) => void cache.delete(origin) }
}

function problemReading(origin: string, problem: string): Reading {
  return { origin, entries: [{ problem }] }
}

async function parseDocument(
  origin: string,
  key: string,
  { text, namespace, parse }: { text: string; namespace: string; parse: Parse },
): Promise<Reading> {
  try {
    const entries = await readDocument(text, { format: formatOf(key) ?? 'auto', parse })
    return { origin, entries: entries.map((entry) => withoutMetadataAddress(confineToNamespace(entry, namespace))) }
  } catch (error) {
    if (error instanceof SourceError) return { origin, error }
    return { origin, error: new SourceError('cannot be read', { class: 'config', cause: error }) }
  }
}

/** Puts an entry into the ConfigMap's namespace, and rejects one of another: write access covers one namespace only. */
function confineToNamespace(entry: Entry, namespace: string): Entry {
  if ('problem' in entry) return { ...entry, namespace }
  if (!('value' in entry)) return entry
  const { value, where } = entry
  if (typeof value !== 'object' || value === null) return entry
  const { name, namespace: declared } = value as Record<string, unknown>
  if (declared === undefined || declared === null || declared === namespace)
    return { ...entry, value: { ...value, namespace } }
  return {
    problem: `names a namespace other than "${namespace}"; a ConfigMap may define servers in its own namespace only`,
    namespace,
    ...(typeof name === 'string' && { name }),
    ...(where !== undefined && { where }),
  }
}

/** Rejects an entry whose URL leads to a metadata service, which holds credentials of the node. */
function withoutMetadataAddress(entry: Entry): Entry {
  if (!('value' in entry) || typeof entry.value !== 'object' || entry.value === null) return entry
  const { name, namespace, url, health_check_url } = entry.value as Record<string, unknown>
  const problem = [url, health_check_url]
    .map((one) => typeof one === 'string' && metadataAddressProblem(one))
    .find(Boolean)
  if (!problem) return entry
  return {
    problem,
    ...(typeof namespace === 'string' && { namespace }),
    ...(typeof name === 'string' && { name }),
    ...(entry.where !== undefined && { where: entry.where }),
  }
}

import { toCapability } from '../../model/capability.ts'
import { isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import { mapValues } from '../../model/data/map-values.ts'
import { toTextMap } from '../../model/server.ts'

/** Drops fields that are null: they count as absent. */
export function withoutNulls(fields: JsonObject): JsonObject {
  for (const key in fields) {
    if (fields[key] === null) return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
  }
  return fields
}

/** Gives a registration the shape of a definition, unchecked: numbers become text, a map of tags becomes labels. */
export function normalizeRegistration(body: object): Record<string, unknown> {
  const fields = withoutNulls(body as JsonObject)
  const { namespace, tags, labels, annotations, capabilities, security_context: security } = fields
  return {
    ...fields,
    name: numberAsText(fields['name']),
    namespace: namespace === '' ? undefined : namespace,
    version: numberAsText(fields['version']),
    tags: isJsonObject(tags) ? undefined : Array.isArray(tags) ? tags.map(numberAsText) : tags,
    labels: toTextMap(
      isJsonObject(tags) && (labels === undefined || isJsonObject(labels)) ? { ...tags, ...labels } : labels,
    ),
    annotations: isJsonObject(annotations) ? valuesAsText(annotations) : annotations,
    capabilities: Array.isArray(capabilities) ? capabilities.map(normalizeCapability) : capabilities,
    security_context: isJsonObject(security) ? JSON.stringify(security) : security,
    resource_version: numberAsText(fields['resource_version']),
  }
}

export function isHttpEndpoint(endpoint: string): boolean {
  return /^https?:/i.test(endpoint)
}

/** The address of an endpoint; one without the scheme of HTTP gets the scheme `stdio`. */
export function endpointAddress(endpoint: string): { type: 'http' | 'stdio'; url: string } {
  if (isHttpEndpoint(endpoint)) return { type: 'http', url: endpoint }
  return { type: 'stdio', url: endpoint.startsWith('stdio://') ? endpoint : `stdio://${endpoint}` }
}

/** A name of lower-case letters, digits and single dashes, at most 63 characters; `agent` where none remains. */
export function normalizeName(text: string): string {
  if (text.length <= 63 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text)) return text
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/-{2,}/g, '-')
    .slice(0, 63)
    .replace(/^-+|(?<!-)-+$/g, '')
  return name || 'agent'
}

function numberAsText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value
}

function valuesAsText(values: JsonObject): JsonObject {
  return mapValues(values, (value) => (typeof value === 'string' ? value : JSON.stringify(value)))
}

function normalizeCapability(capability: unknown): unknown {
  if (!isJsonObject(capability)) return toCapability(capability)
  const { function_name, ...fields } = withoutNulls(capability)
  // As `GET /agents` shows it, a capability names its function in any case.
  const isNamed = function_name !== undefined && function_name !== '' && function_name !== fields['name']
  const schema = fields['input_schema'] ?? fields['parameters_schema'] ?? fields['parameters']
  return {
    ...fields,
    ...(isNamed && { function_name }),
    ...(typeof schema === 'object' && { input_schema: schema }),
    kind: 'declared',
    origin: 'declared',
  }
}

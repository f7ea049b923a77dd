import { Capability } from './capability.ts'
import { isJsonObject } from './data/json-object.ts'
import { nearestTo } from './query/fuzzy.ts'
import { DefinitionFields, Server } from './server.ts'

/** Fields that MCP clients use for themselves, and accepted synonyms. */
const clientFields = new Set([
  'transport',
  'disabled',
  'alwaysAllow',
  'autoApprove',
  'timeout',
  'gallery',
  'envFile',
  'oauth',
  'dev',
])

/** Those of them that are understood. */
const translatedFields = new Set(['transport', 'disabled'])

/** A field that a server or its capability does not have, and the known one that was probably meant. */
export type UnknownField = { readonly field: string; readonly nearest: string | undefined }

/** The unknown fields of an entry of a document. Fields of MCP clients are known. */
export function unknownFieldsOf(entry: object): readonly UnknownField[] {
  return unknownAmong(entry, (field) => clientFields.has(field))
}

/** Names of the fields of an entry that are not kept: unknown ones, and those that MCP clients use for themselves. */
export function ignoredFieldsOf(entry: object): readonly string[] {
  const ofClients = Object.keys(entry).filter((field) => clientFields.has(field) && !translatedFields.has(field))
  return [...ofClients, ...unknownFieldsOf(entry).map(({ field }) => field)]
}

/** The unknown fields of a server that a client sends. What the API shows is known, so that it can be sent back. */
export function unknownFieldsSent(server: object): readonly UnknownField[] {
  const shown = { ...Server.unwrap().shape, where: undefined }
  // No client's format is translated here: a server that is sent as disabled would stay enabled.
  return unknownAmong(
    server,
    (field) => Object.hasOwn(shown, field) || (clientFields.has(field) && field !== 'disabled'),
  )
}

function unknownAmong(fields: object, isKnown: (field: string) => boolean): readonly UnknownField[] {
  const definitionFields = Object.keys(DefinitionFields.unwrap().shape)
  return Object.keys(fields)
    .filter((field) => !definitionFields.includes(field) && !isKnown(field))
    .map((field): UnknownField => ({ field, nearest: nearestTo(field, definitionFields) }))
    .concat(unknownOfCapabilities(fields))
}

function unknownOfCapabilities(server: object): readonly UnknownField[] {
  if (!('capabilities' in server) || !Array.isArray(server.capabilities)) return []
  const capabilityFields = Object.keys(Capability.unwrap().shape)
  return server.capabilities.flatMap((capability: unknown, index) =>
    isJsonObject(capability)
      ? Object.keys(capability)
          .filter((field) => !capabilityFields.includes(field))
          .map((field) => ({
            field: `capabilities.${index}.${field}`,
            nearest: nearestTo(field, capabilityFields),
          }))
      : [],
  )
}

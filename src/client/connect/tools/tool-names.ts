import { createHash } from 'node:crypto'
import { defaultNamespace } from '../../../model/identity.ts'

/** What every framework and model accepts as the name of a tool. */
const acceptedName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const maxLength = 64
const maxToolLength = 33
const separator = '__'

/**
 * The name of a tool in a fleet: a function of namespace, server and tool only, never of what else there is. So it neither
 * changes when another server comes nor moves to another tool when one goes.
 *
 * `server__tool`, outside of the namespace `default` `namespace__server__tool`, where that is accepted everywhere and can be
 * split in one way only; else both parts in accepted characters, and eight hex digits of a hash.
 */
export function fleetToolName(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  tool: string,
): string {
  const server = namespace === defaultNamespace ? name : `${namespace}${separator}${name}`
  const plain = `${server}${separator}${tool}`
  if (acceptedName.test(plain) && !isAmbiguous(name, tool)) return plain
  const hash = createHash('sha256')
    .update(JSON.stringify([namespace, name, tool]))
    .digest('hex')
    .slice(0, 8)
  const what = accepted(tool).slice(0, maxToolLength) || 'tool'
  const room = maxLength - what.length - separator.length - 1 - hash.length
  const where = accepted(server)
    .replace(/^(?![A-Za-z])/, 's_')
    .slice(0, room)
  return `${where}${separator}${what}_${hash}`
}

/** Whether the plain name could also be read as another server's tool, or as a name with a hash. */
function isAmbiguous(server: string, tool: string): boolean {
  return /__|^_|_$/.test(server) || /__|^_/.test(tool) || /_[0-9a-f]{8}$/.test(tool)
}

function accepted(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^_+/, '')
    .replace(/(?<!_)_+$/, '')
}
